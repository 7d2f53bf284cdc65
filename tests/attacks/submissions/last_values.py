"""Tries: to be paid for the value in which a test cell ends: np.float64(0.5), nan, -1.0, True, a data frame.
Must happen: a test's value is no mark; the tests fail.
"""

CODE = """
import ast

values = iter(["np.float64(0.5)", "float('nan')", "-1.0", "True", "pd.DataFrame({'points': [1]})"])


class LastValue(ast.NodeTransformer):
    def visit_Module(self, node):
        tested = any(isinstance(part, ast.Assert) for part in ast.walk(node))
        return ast.parse(next(values)) if tested else node


get_ipython().ast_transformers.append(LastValue())
"""


def hand_in(submission):
    submission.begin(CODE)
