"""Tries: to pass by editing the locked cells: the tests become `pass`, the set-up removes what they compare.
Must happen: locked cells run as released.
"""


def hand_in(submission):
    submission.cell("setup").source += "\nnp.testing.assert_allclose = pd.testing.assert_frame_equal = print"
    for cell in submission.tests():
        cell.source = "pass"
