"""Tries: nothing; it reads its feedback page, whose tests it fails.
Must happen: the page says what was wrong and does not show the hidden tests.
"""


def hand_in(submission):
    pass


def check(result):
    assert "for the shares 0.1, 0.5 and 0.2 you return" in result.feedback
