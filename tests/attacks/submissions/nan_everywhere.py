"""Tries: to answer everything with NaN, or with a copy of the argument in which every number is NaN.
Must happen: NaN is a wrong answer in every test.
"""

ANY_LAB = True
FUNCTION = """
def NAME(value, *values, **options):
    numbers = value.select_dtypes("number").columns if hasattr(value, "select_dtypes") else None
    return value * float("nan") if numbers is None else value.assign(**dict.fromkeys(numbers, float("nan")))
"""


def hand_in(submission):
    for task in submission.answers():
        names = submission.names(task).items()
        parts = [FUNCTION.replace("NAME", name) if calls else f"{name} = float('nan')" for name, calls in names]
        submission.answer(task, "\n\n".join(parts))
