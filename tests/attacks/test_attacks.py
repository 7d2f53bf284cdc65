"""No attack gains, reads, loses or stops anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from attacks import ours, stock
from attacks.attack import load_attacks
from attacks.evidence import Outcome, full_marks, has_script, read_result
from attacks.world import HONEST, SECRETS, World

ATTACKS = {attack.name: attack for attack in load_attacks()}
FEWEST = 48
# Of the weaker sandbox, what its walls alone can stop; all else is the same in both.
AGAINST_LANDLOCK = """
    background_process files_spoilt_unopened fork_bomb gradebook_own_marks home_read kill_everything kill_parent
    limits_of_others neighbour_spoilt network_abstract network_udp network_unix proc_read shared_memory_bomb
""".split()  # noqa: SIM905


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("attacks"))


@pytest.fixture(scope="module", name="outcomes")
def _outcomes(world) -> dict[str, Outcome]:
    return {attack.name: outcome for attack, outcome in ours.mark(world.root, list(ATTACKS.values()))}


@pytest.fixture(scope="module", name="outcomes_in_landlock")
def _outcomes_in_landlock(tmp_path_factory) -> dict[str, Outcome]:
    chosen = [ATTACKS[name] for name in AGAINST_LANDLOCK]
    return {
        attack.name: outcome for attack, outcome in ours.mark(tmp_path_factory.mktemp("landlock"), chosen, "landlock")
    }


def test_there_are_enough_attacks_and_each_is_one_short_file():
    assert len(ATTACKS) >= FEWEST
    files = (Path(__file__).parent / "submissions").glob("*.py")
    assert [path.name for path in files if len(path.read_text().splitlines()) > 30] == []


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_achieves_nothing(world, outcomes, name):
    attack = ATTACKS[name]
    assert outcomes[name] == Outcome(), f"{attack.tries} {attack.must_happen}"
    if attack.check:
        attack.check(read_result(world, world.load(), attack.student))


@pytest.mark.parametrize("student", HONEST)
def test_honest_student_has_full_marks_and_feedback_without_hidden_tests(world, outcomes, student):
    lab = world.load()
    assert full_marks(world, lab, student)
    page = read_result(world, lab, student).feedback
    assert page
    assert SECRETS["hidden tests"] not in page


def test_report_for_the_grader_holds_no_script(world, outcomes):
    pages = list((world.classroom / "reports").glob("**/*.html"))
    assert pages
    assert not any(has_script(page.read_text(encoding="utf-8")) for page in pages)


@pytest.mark.parametrize("name", AGAINST_LANDLOCK)
def test_attack_achieves_nothing_in_the_weaker_sandbox(outcomes_in_landlock, name):
    assert outcomes_in_landlock[name] == Outcome(), f"{ATTACKS[name].tries} {ATTACKS[name].must_happen}"


def test_the_same_suite_finds_what_stock_nbgrader_lets_pass(tmp_path_factory):
    """Else a row of zeros might only show that the suite looks in the wrong place."""
    ((_, outcome),) = stock.mark(tmp_path_factory.mktemp("stock"), [ATTACKS["skip_execution_tag"]])
    assert outcome.forged == 10
