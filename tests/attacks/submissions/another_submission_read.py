"""Tries: to print what another student handed in.
Must happen: no other submission is in view.
"""

CODE = """
import glob

for folder in ("../../../submitted", "../../../autograded", "CLASSROOM/submitted"):
    for path in glob.glob(f"{folder}/*/target/target.ipynb"):
        print(open(path).read())
"""


def hand_in(submission):
    submission.begin(CODE)
