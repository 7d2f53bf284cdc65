"""Tries: to deceive a reader: output that clears a terminal, retitles it, links elsewhere, and runs backwards.
Must happen: feedback keeps colours at most, and no character that turns the direction of text.
"""

FORBIDDEN = ("\u202e", "\u2066", "\u200f", "\x07", "\x1b]", "\x1b[2J")
CODE = """
print("\\x1b[2J\\x1b[1;1H\\x1b]0;grader\\x07\\x1b]8;;https://example.org\\x1b\\\\all tests passed\\x1b]8;;\\x1b\\\\")
print("\\u202e01 fo 01\\u202c \\u2066points\\u2069 \\u200f")
"""


def hand_in(submission):
    submission.begin(CODE)


def check(result):
    streams = [output.get("text", "") for cell in result.notebook.cells for output in cell.get("outputs", [])]
    shown = result.feedback + "".join(streams)
    assert [part for part in FORBIDDEN if part in shown] == []
