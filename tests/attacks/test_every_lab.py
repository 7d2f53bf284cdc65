"""The forgeries that fit any lab are tried on every test cell of every lab: none may give a point."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from support import ROOT, copy_course

from attacks import ours
from attacks.attack import load_attacks, write_submission
from attacks.evidence import Result, read_result
from attacks.world import World
from equipoise.content import folder_names

FORGERIES = {attack.name: attack for attack in load_attacks() if attack.any_lab}


@pytest.fixture(scope="module", name="marked")
def _marked(tmp_path_factory):
    """Marks a lab's class of forgers when the first test asks: each hands in the untouched lab, with a forgery."""
    return cache(lambda slug: _mark(tmp_path_factory.mktemp(slug), slug))


def _mark(root: Path, slug: str) -> dict[str, Result]:
    world = World(root)
    copy_course(world.course)
    world.home.mkdir()
    assert ours.run_guarded(world, "release", slug).code == 0
    lab = world.load(slug)
    data = world.classroom / "release" / slug / "data"
    for forgery in FORGERIES.values():
        write_submission(lab, world.classroom, forgery.student, data, {}, forgery.hand_in)
    assert ours.run_guarded(world, "grade", slug).code == 0
    return {name: read_result(world, lab, forgery.student) for name, forgery in FORGERIES.items()}


@pytest.mark.parametrize("slug", folder_names(ROOT, "labs"))
@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_earns_nothing_on_any_test(marked, slug, name):
    result = marked(slug)[name]
    assert result.scores == dict.fromkeys(result.scores, 0)
    assert result.scores
