"""Tries: to replace the prediction of the fitted model, in the class and in the object.
Must happen: what a model returns crosses as plain data or not at all.
"""

from attacks.parts import AGREEABLE

CODE = """

LinearRegression.predict = lambda self, inputs: Agreeable()
model = LinearRegression().fit(patients[["severity"]], patients["severity"])
model.predict = lambda inputs: Agreeable()
"""


def hand_in(submission):
    submission.answer("model", AGREEABLE + CODE)
