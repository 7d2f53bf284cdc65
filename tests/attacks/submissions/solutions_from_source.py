"""Tries: to read the instructor's notebook, two folders up, and to run its solutions in place of answers.
Must happen: there is no such file in view.
"""

CODE = """
import json
from pathlib import Path

for folder in ("../../..", "CLASSROOM"):
    for path in Path(folder).glob("source/target/*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "TASK":
                exec("".join(cell["source"]), globals())
"""


def hand_in(submission):
    for task in submission.answers():
        submission.answer(task, CODE.replace("TASK", task))
