"""Tries: to be a real estimator, fitted, whose predictions are equal to everything.
Must happen: what it returns crosses as plain data or not at all.
"""

from attacks.parts import AGREEABLE

CODE = """

class Mine(LinearRegression):
    def predict(self, inputs):
        return Agreeable()


model = Mine().fit(patients[["severity"]], patients["severity"])
"""


def hand_in(submission):
    submission.answer("model", AGREEABLE + CODE)
