"""Marks on their way to a small learning platform: each once, none lost, none that is not final."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from marked_class import Handed, enter, record
from nbgrader.api import Gradebook
from small_lms import Platform, new_key, serving
from support import BIN, shell
from typer.testing import CliRunner

from equipoise import labs
from equipoise.cli import app
from equipoise.grading import launches, lti
from equipoise.grading.lti import LTIError, Passed, State, compare, make_key, public_jwk, public_pem, send
from equipoise.grading.run import Classroom

# The modulus of the example in RFC 7638.
RFC_7638 = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
    "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
    "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
    "KnqDKgw"
)
STUDENTS = ("ada", "ben", "cy", "dee")


@pytest.fixture(name="lms")
def _lms(monkeypatch) -> Iterator[Platform]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(lti, "PAUSE", 0.001)
    with serving(Platform()) as platform:
        yield platform


@pytest.fixture(scope="module", name="lab")
def _lab(course):
    return next(iter(course.labs.values()))


@pytest.fixture(scope="module", name="marked")
def _marked(lab, tmp_path_factory) -> Path:
    """What every test begins with: a gradebook with four final marks, and a key."""
    folder = tmp_path_factory.mktemp("marked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(BIN), prepend=":")  # nbgrader calls alembic by name
        gradebook = Gradebook(f"sqlite:///{folder}/gradebook.db")
    with gradebook:
        enter(gradebook, lab)
        for points, student in enumerate(STUDENTS):
            record(gradebook, lab, Handed(student, labs.solutions(lab), memo_points=points + 0.5))
    make_key(folder / "lti.pem")
    return folder


@pytest.fixture(name="room")
def _room(course, marked, lms, tmp_path) -> Classroom:
    """A class of four with final marks, all of whom have launched; the platform knows the tool's key."""
    root, folder = tmp_path / "class", tmp_path / "launches"
    shutil.copytree(marked, root)
    folder.mkdir(mode=0o700)
    for number, student in enumerate(STUDENTS):
        learner = launches.Learner(lms_user_id=f"10{number}", lineitems=lms.lineitems)
        launches.keep_learner(folder, student, learner)
    lms.tool_keys["keys"].append(public_jwk(make_key(root / "lti.pem")))
    room = Classroom(course, root)
    chosen = {"client_id": "tool-7", "token_url": f"{lms.address}/token", "key": str(root / "lti.pem")}
    room.config.Equipoise.lti = chosen | {"launches": str(folder)}
    return room


def outcome(room: Classroom) -> dict[str, State]:
    return {passed.student: passed.state for passed in send(room)}


def why(passed: list[Passed]) -> set[str]:
    return {one.why for one in passed}


def marks(lms: Platform) -> dict[str, float]:
    """What students see in the platform's only column."""
    [results] = lms.results.values()
    return {user: score["scoreGiven"] for user, score in results.items()}


def posted(lms: Platform) -> int:
    return sum(path.endswith("/scores") for _, path in lms.told)


def change(room: Classroom, lab, student: str, points: float | None) -> None:
    """What a grader does to an essay; ``None``: it waits for him again."""
    with Gradebook(room.url) as gradebook:
        memo = gradebook.find_grade("memo", lab.slug, lab.slug, student)
        memo.manual_score, memo.needs_manual_grade = points, points is None
        gradebook.db.commit()


def by_machine(lab) -> float:
    return float(sum(labs.points(lab).values()))


# ---- the way of a mark -----------------------------------------------------------------------------------------------


def test_marks_arrive_once_and_again_only_if_they_change(room, lab, lms):
    assert set(outcome(room).values()) == {State.SENT}
    assert marks(lms) == {f"10{number}": by_machine(lab) + number + 0.5 for number in range(4)}
    [column] = lms.columns.values()
    worth = by_machine(lab) + lab.rubric.points
    assert column == {"label": lab.facts.title, "scoreMaximum": worth, "tag": lab.slug, "resourceId": lab.slug}
    [results] = lms.results.values()
    assert {(one["gradingProgress"], one["scoreMaximum"]) for one in results.values()} == {("FullyGraded", worth)}
    assert set(outcome(room).values()) == {State.UNCHANGED}
    change(room, lab, "ben", 9)
    assert outcome(room) == dict.fromkeys(STUDENTS, State.UNCHANGED) | {"ben": State.SENT}
    assert marks(lms)["101"] == by_machine(lab) + 9
    assert (posted(lms), len(lms.columns)) == (5, 1)
    assert sum(path == "/token" for _, path in lms.told) == 3  # one a run


def test_what_waits_for_a_person_is_not_sent_and_takes_nothing_away(room, lab, lms):
    outcome(room)
    before = marks(lms)
    change(room, lab, "ben", None)
    [waiting] = [passed for passed in send(room) if passed.state is not State.UNCHANGED]
    assert waiting == Passed(lab.slug, "ben", State.WAITING, "1 to be marked") and not waiting.lost
    assert marks(lms) == before


def test_who_is_not_known_in_the_platform_is_told(room, lms):
    folder = Path(room.config.Equipoise.lti["launches"])
    launches.forget_learner(folder, "ben")
    launches.keep_learner(folder, "cy", launches.Learner(lms_user_id="102"))
    passed = list(send(room))
    told = {one.student: one.why for one in passed if one.state is State.UNKNOWN}
    assert told == {"ben": "no launch from the platform", "cy": "no grade service"}
    assert all(one.lost for one in passed if one.student in told)
    assert set(marks(lms)) == {"100", "103"}
    with Gradebook(room.url) as gradebook:  # by a roster
        gradebook.update_or_create_student("ben", lms_user_id="101")
    assert {one.student for one in send(room) if one.state is State.SENT} == {"ben"}


def test_what_the_platform_lost_is_sent_again_and_what_it_changed_is_left_alone(room, lab, lms):
    outcome(room)
    [results] = lms.results.values()
    del results["100"]
    results["101"]["scoreGiven"] = 1.0
    told = {one.student: (one.state, one.why) for one in send(room) if one.state is not State.UNCHANGED}
    assert told["ada"] == (State.SENT, "")
    assert told["ben"][0] is State.CHANGED and re.fullmatch(r"\d+% was sent, the platform has 2%", told["ben"][1])
    assert marks(lms)["101"] == 1.0
    change(room, lab, "ben", 9)
    assert outcome(room)["ben"] is State.SENT


def test_without_the_record_of_what_was_sent_the_platforms_results_tell(room, lab, lms):
    outcome(room)
    record = room.root / "lti" / f"{lab.slug}.json"
    assert record.stat().st_mode & 0o777 == 0o600
    record.unlink()
    assert set(outcome(room).values()) == {State.UNCHANGED}
    lms.may.discard("result.readonly")
    assert set(outcome(room).values()) == {State.UNCHANGED}
    record.write_text("{")
    with pytest.raises(LTIError, match=rf"{lab.slug}\.json is no record"):
        outcome(room)


@pytest.mark.parametrize(
    ("mark", "before", "results", "state"),
    [
        ([0.0, 40.0], None, {}, State.SENT),
        ([0.0, 40.0], None, {"7": None}, State.UNCHANGED),  # Moodle shows no score for a 0
        ([13.0, 40.0], [13.0, 40.0], {"7": None}, State.SENT),
        ([13.0, 40.0], [13.0, 40.0], {"7": 0.325004}, State.UNCHANGED),
        ([13.0, 40.0], [12.0, 40.0], None, State.SENT),
        ([13.0, 26.0], [13.0, 40.0], {"7": 0.325}, State.SENT),
        ([13.0, 40.0], None, {"7": 0.9}, State.SENT),
        ([0.0, 40.0], [0.0, 40.0], {"7": 0.9}, State.CHANGED),
    ],
)
def test_marks_are_compared_as_shares(mark, before, results, state):
    assert compare(mark, before, results, "7")[0] is state


# ---- columns ---------------------------------------------------------------------------------------------------------


def test_a_column_is_found_by_its_link_or_its_tag_on_any_page(room, lab, lms):
    for number in range(5):
        lms.add_column(label=f"Quiz {number}", tag="", scoreMaximum=10)
    tagged = lms.add_column(label="By hand", tag=lab.slug, scoreMaximum=100)
    outcome(room)
    assert len(lms.columns) == 6 and len(lms.results[tagged]) == 4
    own = lms.add_column(label="Of the link", scoreMaximum=20)
    link = launches.Link(lab=lab.slug, lineitems=lms.lineitems, lineitem=lms.item(own)["id"])
    launches.keep_link(Path(room.config.Equipoise.lti["launches"]), link)
    assert set(outcome(room).values()) == {State.SENT}
    assert len(lms.results[own]) == 4
    assert set(outcome(room).values()) == {State.UNCHANGED}  # although the platform rescales what it shows


def test_a_column_that_may_not_be_made_is_told_for_everybody(room, lab, lms):
    lms.may = {"score", "lineitem.readonly"}
    passed = list(send(room))
    assert [one.state for one in passed] == [State.FAILED] * 4
    assert why(passed) == {f"no column for {lab.slug}, and none can be made (403 Forbidden {{}})"}


def test_a_column_is_not_made_twice_if_the_answer_is_lost(room, lms):
    lms.troubles = [0, 0, "forget"]  # token, columns, new column
    assert set(outcome(room).values()) == {State.SENT}
    assert len(lms.columns) == 1


# ---- troubles --------------------------------------------------------------------------------------------------------


def test_passing_troubles_are_waited_out(room, lms):
    token, columns, results = [503, 0], [429, 0, 500, 0, "drop", 0, "forget", "drop", 502, 0], ["drop", 0]
    lms.troubles = [*token, *columns, *results, "forget", 503, "drop", 0]  # the last are a mark's
    assert set(outcome(room).values()) == {State.SENT}
    assert lms.troubles == [] and len(marks(lms)) == 4
    assert set(outcome(room).values()) == {State.UNCHANGED}


def test_an_answer_that_does_not_come_is_not_waited_for(room, lms, monkeypatch):
    monkeypatch.setattr(lti, "TIMEOUT", 2)
    lms.troubles = [0, "hang", 0, 0, 0, "hang"]  # columns, and a mark
    assert set(outcome(room).values()) == {State.SENT}
    assert lms.troubles == []


def test_one_students_trouble_is_his_alone_and_the_next_run_heals_it(room, lms):
    lms.members = {"100", "102", "103"}
    passed = list(send(room))
    assert {one.student: one.why for one in passed if one.lost} == {"ben": "400 Bad Request"}
    lms.members = None
    assert outcome(room) == dict.fromkeys(STUDENTS, State.UNCHANGED) | {"ben": State.SENT}


def test_a_platform_that_goes_away_is_not_asked_for_everybody(room, lms):
    outcome(room)
    for results in lms.results.values():
        results.clear()
    lms.told.clear()
    lms.troubles = [0, 0, 0] + ["drop"] * 100  # token, columns, results
    passed = list(send(room))
    assert all(one.lost for one in passed)
    assert [one.why.startswith("not tried") for one in passed] == [False, False, False, True]
    assert posted(lms) == 3 * lti.ATTEMPTS
    lms.troubles.clear()
    assert set(outcome(room).values()) == {State.SENT}


def test_a_token_that_ran_out_is_replaced(room, lms):
    lms.troubles = [0, 0, 0, 0, 401]
    assert set(outcome(room).values()) == {State.SENT}


def test_a_newer_mark_in_the_platform_is_told(room, lms):
    outcome(room)
    [results] = lms.results.values()
    for score in results.values():
        score.update(timestamp="2999-01-01T00:00:00+00:00", scoreGiven=3)
    shutil.rmtree(room.root / "lti")
    assert why(list(send(room))) == {"the platform has a newer mark"}


def test_the_command_sends_and_says_whose_mark_is_missing(course_copy, room, lab, lms, monkeypatch):
    config = course_copy / "grading" / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\nc.Equipoise.lti = {dict(room.config.Equipoise.lti)!r}\n")
    monkeypatch.setenv("EQUIPOISE_CLASS", str(room.root))
    lms.members = {"100", "102", "103"}
    command = ["export", "--to", "lti", "--course", str(course_copy)]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 1
    assert re.search(r"not sent\W+ben\W+\S+\W+400 Bad", first.stdout) and "3 sent, 1 not sent" in first.stdout
    lms.members = None
    again = CliRunner().invoke(app, [*command, lab.slug])
    assert (again.exit_code, again.stdout.strip()) == (0, "3 unchanged, 1 sent")
    assert CliRunner().invoke(app, [*command, "--output", "x.csv"]).exit_code == 1


# ---- settings and key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_id": "tool-8"}, "gives no token: 400 .*Compare client_id"),
        ({"token_url": "http://lms.example.org/token"}, "does not begin with https"),
        ({"launches": "/nowhere"}, "/nowhere: No such file"),
        ({"secret": "x"}, "lti: secret: Extra inputs"),
        (None, "lti is not set; grading/deploy/lti.md"),
    ],
)
def test_a_wrong_setting_is_named(room, lms, change, said):
    room.config.Equipoise.lti = {**room.config.Equipoise.lti, **change} if change else {}
    with pytest.raises((LTIError, launches.LaunchError), match=said):
        outcome(room)
    assert not lms.columns


def test_a_lab_that_is_not_in_the_gradebook_is_named(room):
    with pytest.raises(LTIError, match="no-lab is not in the gradebook"):
        list(send(room, ["no-lab"]))


def test_a_key_that_others_can_read_is_refused(room):
    key = room.root / "lti.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604):
        key.chmod(mode)
        with pytest.raises(LTIError, match=r"lti\.pem can be read by others"):
            outcome(room)
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(LTIError, match="holds no private key"):
        make_key(key)


def test_a_key_is_made_once_and_shown_as_platforms_want_it(tmp_path):
    key = make_key(tmp_path / "lti.pem")
    assert public_pem(make_key(tmp_path / "lti.pem")) == public_pem(key)
    shown = public_jwk(key)
    assert set(shown) == {"e", "kty", "n", "kid", "alg", "use"}
    assert public_pem(key).startswith("-----BEGIN PUBLIC KEY-----")
    printed = shell("python", "-m", "equipoise.grading.lti", tmp_path / "lti.pem", cwd=tmp_path).stdout
    assert public_pem(key) in printed and shown["kid"] in printed
    assert public_jwk(new_key())["kid"] != shown["kid"]
    known = {"n": RFC_7638, "e": "AQAB", "kty": "RSA"}
    assert public_jwk(_Known(jwt.PyJWK(known).key))["kid"] == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


class _Known:
    """A key of which only the public part is known."""

    def __init__(self, public):
        self.public_key = lambda: public
