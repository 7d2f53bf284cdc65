"""Tries: to have its own `equipoise` package imported by the hidden tests, which ask it for data.
Must happen: the hidden tests draw their data from the real package.
"""

DATASETS = b"""
import types
import pandas as pd

unseen = int


def generate(slug, n, seed):
    return types.SimpleNamespace(observed=pd.DataFrame({"severity": [0.0, 0.4]}))
"""


def hand_in(submission):
    submission.write("equipoise/__init__.py", b"")
    submission.write("equipoise/datasets.py", DATASETS)
    submission.answer("gap", "largest_gap = lambda shares: 0.4")
