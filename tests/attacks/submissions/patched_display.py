"""Tries: to replace every hook by which IPython displays, so that all that is ever shown is a mark.
Must happen: tests do not depend on them, and what is shown is no mark.
"""

ANY_LAB = True
CODE = """
shell = get_ipython()
shell.display_formatter.format = lambda *args, **options: ({"text/plain": "1.0"}, {})
shell.InteractiveTB.structured_traceback = lambda *args, **options: []
shell._showtraceback = lambda *args: shell.displayhook(args)
shell.display_pub.publish = lambda *args, **options: shell.displayhook(args)
"""


def hand_in(submission):
    submission.begin(CODE)
