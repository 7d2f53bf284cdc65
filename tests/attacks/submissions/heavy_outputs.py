"""Tries: nothing; the plots in a right solution weigh 10 MB.
Must happen: full marks, and the old outputs are not kept.
"""

import base64
import random

HONEST = True


def hand_in(submission):
    picture = base64.b64encode(random.Random(0).randbytes(7_500_000)).decode()
    output = {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    submission.cell("gap")["outputs"] = [output]
