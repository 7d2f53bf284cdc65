"""The pages' scripts: their pure functions are tested by Node, which runs the same modules as a browser."""

import subprocess

import pytest
from support import ROOT

SUITES = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
def test_suite_passes_in_node(suite):
    ran = subprocess.run(["node", "--test", suite], text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout
