"""Tries: to replace methods of pandas that tests use.
Must happen: tests run with their own pandas.
"""

CODE = """
pd.Series.mean = lambda self, *args, **options: 0.5
pd.Series.sum = lambda self, *args, **options: len(patients)
pd.Series.equals = pd.DataFrame.equals = lambda self, other: True
pd.testing.assert_frame_equal = pd.testing.assert_series_equal = lambda *args, **options: None
"""


def hand_in(submission):
    submission.begin(CODE)
