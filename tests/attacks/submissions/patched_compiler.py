"""Tries: to have IPython compile every test to nothing.
Must happen: the tests run in a process that the student's patches do not reach.
"""

ANY_LAB = True
CODE = """
import ast

parse = get_ipython().compile.ast_parse
get_ipython().compile.ast_parse = lambda code, *args, **options: (
    ast.Module([], []) if "assert" in code else parse(code, *args, **options)
)
"""


def hand_in(submission):
    submission.begin(CODE)
