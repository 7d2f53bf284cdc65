"""The pages' scripts: their pure functions are tested by Node, which runs the same modules as a browser."""

import json
import os
import subprocess

import audits
import policies
import pytest
from support import ROOT

SUITES = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))


@pytest.fixture(scope="module", name="reference")
def _reference(tmp_path_factory):
    """A file with what fairlearn finds in the course's data; suites that count the same read it."""
    path = tmp_path_factory.mktemp("reference") / "reference.json"
    path.write_text(json.dumps(audits.reference() | policies.reference(), allow_nan=False))
    return path


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
def test_suite_passes_in_node(suite, reference):
    environment = os.environ | {"EQUIPOISE_REFERENCE": str(reference)}
    ran = subprocess.run(["node", "--test", suite], text=True, capture_output=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stdout[-4000:]
