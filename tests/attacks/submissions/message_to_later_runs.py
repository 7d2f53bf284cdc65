"""Tries: to leave a note for the next submission, in every place where a process may write.
Must happen: each kernel begins in an empty place, and what it writes is gone when it ends.
"""

PLACES = 'PLACES = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock", "..", "/", os.path.expanduser("~")]\n'
LEAVE = """
for place in PLACES:
    try:
        open(f"{place}/a-note", "w").write("the answers")
    except OSError:
        pass
"""
FIND = """
if any(os.path.exists(f"{place}/a-note") for place in PLACES):
    print("REACHED:", "an earlier run")
"""


def hand_in_first(submission):
    submission.begin("import os\n\n" + PLACES + LEAVE)


def hand_in(submission):
    submission.begin("import os\n\n" + PLACES + FIND)
