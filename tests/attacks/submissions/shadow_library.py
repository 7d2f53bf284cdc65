"""Tries: to have its own pandas.py, beside the notebook, imported in place of the library.
Must happen: the real library is imported, in the student's process and in the tests'.
"""

from attacks.parts import SWALLOW_TESTS

MODULE = """
import importlib, sys
from IPython import get_ipython

others = [path for path in sys.path if path and path != __file__.rpartition("/")[0]]
sys.path[:], path = others, sys.path[:]
del sys.modules["pandas"]
importlib.import_module("pandas")
sys.path[:] = path
"""


def hand_in(submission):
    submission.write("pandas.py", (MODULE + SWALLOW_TESTS).encode())
