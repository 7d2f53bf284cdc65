"""Tries: to speak for the kernel when a test asks it for values, with answers that no value gives.
Must happen: what arrives is taken apart without trust; the tests fail, and each has a score.
"""

CODE = """
import itertools

answers = itertools.cycle([
    True, 7, {"error": []}, {"value": ["handle", 0, "object", "sklearn.base.BaseEstimator", ""]},
    {"value": ["array", "O", [1], 0]}, {"value": ["array", "f8", [10**12], 0]}, {"value": ["array", "f8", [-1], 0]},
    {"value": ["objects", [2, 2], ["handle", 10**9, "function", "f", "<b>"]]}, {"value": ["frame", ["list"], None, 1]},
    {"value": ["zoned", ["array", "M8[ns]", [1], 0], "dateutil//etc/passwd"]}, {"value": ["int", "f" * 10**7]},
    {"value": ["handle", 0, "object", "scipy.conftest.pytest_configure", ""]}, {"value": ["range", 0, 10**18, 1]},
])
desk = get_ipython().kernel.desk
desk._answer = lambda request, buffers: type(desk).serve.__globals__["wire"].send(desk.line, next(answers), [b"x" * 8])
"""


def hand_in(submission):
    submission.begin(CODE)


def check(result):
    assert len(result.reasons) >= 5
