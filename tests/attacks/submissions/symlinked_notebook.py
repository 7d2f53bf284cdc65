"""Tries: to be marked with another student's notebook, by handing in a symbolic link to it.
Must happen: links are not followed: 0 for every test, with the reason in words.
"""


def hand_in(submission):
    (submission.folder / "target.ipynb").symlink_to("../../abe/target/target.ipynb")


def check(result):
    assert result.reasons
