"""Tries: to be marked with a table of its own, handed in under the name of the lab's.
Must happen: marking uses the lab's table.
"""


def hand_in(submission):
    submission.write("data/target.csv", b"patient_id,group,severity,harmed\n1,a,0.5,True\n2,b,0.5,True\n")
