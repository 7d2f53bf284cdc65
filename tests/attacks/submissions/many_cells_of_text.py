"""Tries: to use up the memory of whoever marks, with many cells that each print just less than a cell may.
Must happen: of all that text no more than a notebook's share is kept, and that is said.
"""

from nbformat.v4 import new_code_cell

CODE = """
for _ in range(100):
    display("x" * 40_000)
"""


def hand_in(submission):
    for _ in range(15):
        submission.insert("mean", new_code_cell(CODE))


def check(result):
    assert any("only errors are kept" in reason for reason in result.reasons)
