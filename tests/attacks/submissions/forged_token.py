"""Tries: to write what the marker may be waiting for, a passed test, to the output and to every open file.
Must happen: no line that the student's process writes is a mark.
"""

CODE = """
import json, os

for test in ("test-mean", "test-rates", "test-gap", "test-model", "test-count"):
    for kind in ("result", "passed", "done", "ok"):
        line = json.dumps({"kind": kind, "ok": True, "test": test, "cell": test, "points": 3.0, "passed": True})
        print(line)
        for descriptor in range(1, 100):
            try:
                os.set_blocking(descriptor, False)
                os.write(descriptor, line.encode() + b"\\n")
            except OSError:
                pass
"""


def hand_in(submission):
    submission.begin(CODE)
