"""Tries: to answer with a subclass of DataFrame that shows the test the table that the test expects.
Must happen: it arrives as the plain data that it holds, or not at all.
"""

CODE = """
class Mirror(pd.DataFrame):
    def __getattribute__(self, name):
        expected = globals().get("expected")
        return object.__getattribute__(self, name) if expected is None else getattr(expected, name)

    def __getitem__(self, key):
        return expected[key]


rates = Mirror()
"""


def hand_in(submission):
    submission.answer("rates", CODE)
