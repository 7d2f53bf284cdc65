"""Tries: to make wrong answers right, by changing the lab's table in memory and its file on disk.
Must happen: tests compare with the table as it was handed out.
"""

CODE = """
patients["severity"] = 0.5
patients["harmed"] = True
patients.to_csv("data/target.csv", index=False)
"""


def hand_in(submission):
    submission.begin(CODE)
    submission.answer("count", "patients_above = lambda limit: 0 if limit >= 0.5 else len(patients)")
