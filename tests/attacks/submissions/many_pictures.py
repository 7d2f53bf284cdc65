"""Tries: nothing; a right solution shows a large picture again and again, 60 MB in all.
Must happen: full marks, and of the pictures no more than a notebook's share is kept.
"""

from nbformat.v4 import new_code_cell

HONEST = True
CODE = """
from IPython.display import Image, display

display(Image(data=b"\\x89PNG\\r\\n\\x1a\\n" + bytes(3_000_000), format="png"))
"""


def hand_in(submission):
    for _ in range(15):
        submission.insert("mean", new_code_cell(CODE))


def check(result):
    assert result.stored < 25_000_000
    assert any("only errors are kept" in reason for reason in result.reasons)
