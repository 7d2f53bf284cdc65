"""Tries: to pass with NaN, which is never further from anything than allowed.
Must happen: NaN is a wrong answer.
"""

CODE = """
mean_severity = float("nan")
rates = pd.DataFrame({"patients": [np.nan] * 2, "rate": [np.nan] * 2}, index=["a", "b"])
largest_gap = patients_above = lambda value: np.nan
model = LinearRegression().fit(patients[["severity"]], patients["harmed"] * 1.0)
model.coef_ = model.coef_ * np.nan
"""


def hand_in(submission):
    for task in submission.answers():
        submission.answer(task, CODE)
