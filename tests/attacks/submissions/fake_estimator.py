"""Tries: to pass off an object as a fitted estimator, by the name and module of its class.
Must happen: it gets no stand-in, or one that returns plain data; the test fails.
"""

from attacks.parts import AGREEABLE

CODE = """

class LinearRegression(Agreeable):
    __module__ = "sklearn.linear_model._base"
    feature_names_in_ = np.array(["severity"], dtype=object)
    predict = lambda self, inputs: self


model = LinearRegression()
"""


def hand_in(submission):
    submission.answer("model", AGREEABLE + CODE)
