"""The exchange as a service of a real hub: who may do what, and that nothing is lost, mixed up or let out."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from deployed import Hub
from hubs import exchange_hub
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from support import BIN, until
from traitlets.config import Config

from equipoise.hub import exchange, graders
from equipoise.hub.settings import SERVER_SCOPES
from equipoise.hub.student import equipoise_exchange as students

COURSES = {"equipoise": "c" * 32, "other": "o" * 32}  # with the tokens of their formgraders
COURSE_TOKEN, OTHER_TOKEN = COURSES.values()
GROUPS = {
    "formgrade-equipoise": {"users": ["grader"]},
    "nbgrader-equipoise": {"users": ["from-platform"]},
    "formgrade-other": {"users": ["other-grader"]},
    "nbgrader-other": {"users": ["other-student"]},
}


@pytest.fixture(scope="module", name="hub")
def _hub(tmp_path_factory) -> Iterator[Hub]:
    with exchange_hub(tmp_path_factory.mktemp("hub"), COURSES, GROUPS) as hub:
        yield hub


@pytest.fixture(scope="module", name="tokens")
def _tokens(hub) -> dict[str, str]:
    """For each person the token of a server; ``ada`` and ``bo`` are on the roster, ``eve`` is nobody's student."""
    answer = ask(hub, COURSE_TOKEN, "PUT", "equipoise/roster", json={"students": ["ada", "bo"]})
    assert answer.json() == {"students": ["ada", "bo"]}
    known = ("grader", "other-grader", "from-platform", "other-student", "ada", "bo", "eve")
    return {name: hub.person(name) for name in known} | {"course": COURSE_TOKEN, "other": OTHER_TOKEN}


@pytest.fixture(name="lab")
def _lab(hub, request) -> str:
    """A lab of this test's own, handed out."""
    name = f"lab-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}"
    assert send(hub, COURSE_TOKEN, "PUT", f"equipoise/assignments/{name}", {f"{name}.ipynb": b"released"}).is_success
    return name


def ask(hub: Hub, token: str, method: str, path: str, **how: object) -> httpx.Response:
    return hub.api(method, f"services/exchange/{path}", token, **how)


def packed(files: dict[str, bytes], *members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name: opened.extractfile(member).read() for member in opened}


def send(hub: Hub, token: str, method: str, path: str, content: dict[str, bytes] | bytes) -> httpx.Response:
    body = content if isinstance(content, bytes) else packed(content)
    headers = {"X-Content-SHA256": hashlib.sha256(body).hexdigest(), "Authorization": f"token {token}"}
    return hub.http.request(method, f"services/exchange/{path}", content=body, headers=headers)


def hand_in(hub: Hub, token: str, lab: str, content: dict[str, bytes] | bytes) -> str:
    answer = send(hub, token, "POST", f"equipoise/submissions/{lab}", content)
    assert answer.is_success, answer.text
    return answer.json()["received"]


# ---- Who may do what -------------------------------------------------------------------------------------------------

READ, HAND_IN, RELEASE, ROSTER = "read", "hand in", "release", "roster"
RIGHTS = {
    "ada": {READ, HAND_IN},  # on the roster
    "from-platform": {READ, HAND_IN},  # in the hub's group
    "grader": {READ, HAND_IN, RELEASE, ROSTER},
    "course": {READ, RELEASE, ROSTER},  # formgrader
    "eve": set(),
    "other-grader": set(),
    "other-student": set(),
    "other": set(),
}


@pytest.mark.parametrize("who", RIGHTS)
def test_everybody_may_what_is_theirs_and_nothing_else(hub, tokens, lab, who):
    token = tokens[who]
    tried = {
        READ: ask(hub, token, "GET", f"equipoise/assignments/{lab}"),
        HAND_IN: send(hub, token, "POST", f"equipoise/submissions/{lab}", {"a": b"x"}),
        RELEASE: send(hub, token, "PUT", f"equipoise/assignments/{lab}", {"a": b"x"}),
        ROSTER: ask(hub, token, "PUT", "equipoise/roster", json={"students": ["ada", "bo"]}),
    }
    assert {what for what, answer in tried.items() if answer.is_success} == RIGHTS[who]
    assert {answer.status_code for answer in tried.values() if not answer.is_success} <= {403}


def test_nobody_but_a_courses_graders_reaches_its_formgrader(hub, tokens):
    reach = {who: set(hub.api("GET", "hub/api/user", token).json()["scopes"]) for who, token in tokens.items()}
    for course, grader in (("equipoise", "grader"), ("other", "other-grader")):
        assert [who for who in reach if f"access:services!service={course}" in reach[who]] == [grader]
    assert not [scope for scopes in reach.values() for scope in scopes if scope.startswith(("admin", "groups", "list"))]


def test_what_somebody_handed_in_is_for_him_and_the_courses_graders(hub, tokens, lab):
    received = hand_in(hub, tokens["ada"], lab, {"mine": b"1"})
    page = send(hub, tokens["course"], "PUT", f"equipoise/feedback/{lab}/ada/{received}", {"lab.html": b"well done"})
    assert page.is_success
    for what in ("submissions", "feedback"):
        path = f"equipoise/{what}/{lab}/ada/{received}"
        allowed = {who for who in tokens if ask(hub, tokens[who], "GET", path).is_success}
        assert allowed == {"ada", "grader", "course"}
        assert ask(hub, tokens["bo"], "GET", path).status_code == 403
    listed = {who: ask(hub, tokens[who], "GET", "equipoise/submissions").json().get("submissions") for who in tokens}
    assert [s["student"] for s in listed["bo"] if s["assignment"] == lab] == []
    assert [s["student"] for s in listed["ada"] if s["assignment"] == lab] == ["ada"]
    assert [s["student"] for s in listed["grader"] if s["assignment"] == lab] == ["ada"]
    assert [s["student"] for s in listed["eve"] or []] == []


def test_no_name_leads_out_of_a_course(hub, tokens, lab):
    """What the other course's student handed in lies where these names would lead."""
    send(hub, tokens["other"], "PUT", f"other/assignments/{lab}", {"a": b""})
    answer = send(hub, tokens["other-student"], "POST", f"other/submissions/{lab}", {"secret": b""})
    inside = f"other/submissions/{lab}/other-student/{answer.json()['received']}"
    assert ask(hub, tokens["other"], "GET", inside).is_success
    hand_in(hub, tokens["ada"], lab, {"a": b""})  # so that there is a folder to begin with
    for out in ("..%2f..%2f..%2f", "%2e%2e%2f%2e%2e%2f%2e%2e%2f", "ada%2f..%2f..%2f..%2f..%2f"):
        student = f"{out}other%2fsubmissions%2f{lab}%2fother-student"
        place = f"equipoise/submissions/{lab}/{student}/{answer.json()['received']}"
        assert ask(hub, tokens["grader"], "GET", place).status_code in (403, 404)


def test_one_student_cannot_fill_the_exchange(hub, tokens, lab, monkeypatch):
    for number in range(exchange.MOST_SUBMISSIONS):
        hand_in(hub, tokens["bo"], lab, {"n": bytes([number])})
    refused = send(hub, tokens["bo"], "POST", f"equipoise/submissions/{lab}", {"n": b"more"})
    assert refused.status_code == 429 and "100 times" in refused.json()["message"]
    hand_in(hub, tokens["ada"], lab, {"n": b"first"})
    roster = hub.http.put("services/exchange/equipoise/roster", content=b"0" * 2_000_000)
    assert not roster.is_success


def test_a_token_that_is_not_for_the_exchange_opens_nothing(hub, tokens):
    narrow = hub.person("ada", ("read:users:name!user=ada",))
    for token in (narrow, "f" * 32):
        assert ask(hub, token, "GET", "courses").status_code == 403
    assert hub.http.get("services/exchange/courses").status_code == 403
    server = hub.person(
        "ada", tuple(scope.replace("!user", "!user=ada") for scope in SERVER_SCOPES if "server" not in scope)
    )
    assert ask(hub, server, "GET", "courses").json() == {"student": ["equipoise"], "grader": []}


def test_nobody_stays_a_student_who_was_taken_off_the_roster(hub, tokens):
    ask(hub, tokens["course"], "PUT", "equipoise/roster", json={"students": ["bo"]})
    assert ask(hub, tokens["ada"], "GET", "equipoise/assignments").status_code == 403
    ask(hub, tokens["course"], "PUT", "equipoise/roster", json={"students": ["ada", "bo"]})
    assert ask(hub, tokens["ada"], "GET", "equipoise/assignments").is_success


# ---- What arrives ----------------------------------------------------------------------------------------------------


def test_what_was_changed_or_is_too_large_is_refused_and_leaves_nothing(hub, tokens, lab):
    where, headers = f"services/exchange/equipoise/submissions/{lab}", {"Authorization": f"token {tokens['bo']}"}
    folder = hub.config.parent / "exchange"
    wrong = hub.http.post(where, content=b"abc", headers=headers | {"X-Content-SHA256": "0" * 64})
    assert wrong.status_code == 400 and "Send it again" in wrong.json()["message"]
    refused = send(hub, tokens["eve"], "POST", f"equipoise/submissions/{lab}", os.urandom(5_000_000))
    assert refused.status_code == 403 and "do not have access" in refused.json()["message"]
    with pytest.raises((httpx.HTTPError, AssertionError)):  # the line is cut, or the refusal comes in time
        large = send(hub, tokens["bo"], "POST", f"equipoise/submissions/{lab}", b"0" * (students.MOST_BYTES + 1))
        assert large.is_success
    assert not (folder / "equipoise" / "submissions" / lab).exists()
    until(lambda: not list((folder / ".incoming").iterdir()))


def test_thirty_students_at_once_lose_nothing_and_get_only_their_own(hub, lab):
    """Each fetches, hands in twice, and is found with what he sent, in the order in which he sent it."""
    names = [f"student-{number:02}" for number in range(30)]
    roster = ask(hub, COURSE_TOKEN, "GET", "equipoise/roster").json()["students"]
    ask(hub, COURSE_TOKEN, "PUT", "equipoise/roster", json={"students": [*roster, *names]})
    tokens = {name: hub.person(name) for name in names}

    def term(name: str) -> list[str]:
        fetched = ask(hub, tokens[name], "GET", f"equipoise/assignments/{lab}")
        assert unpacked(fetched.content) == {f"{lab}.ipynb": b"released"}
        return [hand_in(hub, tokens[name], lab, {"who": name.encode(), "try": bytes([number])}) for number in (1, 2)]

    with ThreadPoolExecutor(len(names)) as class_:
        times = dict(zip(names, class_.map(term, names), strict=True))
    for name in names:
        assert times[name] == sorted(times[name])
        for number, received in enumerate(times[name], start=1):
            found = ask(hub, COURSE_TOKEN, "GET", f"equipoise/submissions/{lab}/{name}/{received}").content
            assert unpacked(found) == {"who": name.encode(), "try": bytes([number])}
    listed = ask(hub, COURSE_TOKEN, "GET", "equipoise/submissions").json()["submissions"]
    assert len([entry for entry in listed if entry["assignment"] == lab]) == 60


def test_a_store_forgets_what_a_killed_process_had_half_received(tmp_path):
    store = exchange.Store(tmp_path / "exchange")
    (store.drafts / "half").write_bytes(b"h")
    assert list(exchange.Store(tmp_path / "exchange").drafts.iterdir()) == []


@pytest.mark.parametrize("second", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)])
def test_what_comes_later_is_later_whatever_the_clock_says(tmp_path, monkeypatch, second):
    times = iter([datetime(2026, 1, 1, tzinfo=UTC), second])
    monkeypatch.setattr(exchange, "datetime", type("Clock", (datetime,), {"now": lambda tz=None: next(times)}))
    store = exchange.Store(tmp_path / "exchange")
    for content in (b"first", b"second"):
        with store.draft() as draft:
            draft.write(content)
            draft.flush()
            store.hand_in(Path(draft.name), "c", "a", "ada")
    kept = sorted(store.folder("c", "a", "ada").iterdir())
    assert [path.read_bytes() for path in kept] == [b"first", b"second"]


# ---- nbgrader's classes ----------------------------------------------------------------------------------------------


@pytest.fixture(name="act")
def _act(hub, tokens, tmp_path, monkeypatch, lab):
    """Run one of nbgrader's exchange classes as somebody; the folder of each person is ``tmp_path / NAME``."""

    def act(who: str, kind: type, **options: object):
        folder = tmp_path / who
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("PATH", str(BIN), prepend=os.pathsep)  # for the gradebook, which calls alembic by name
        monkeypatch.setenv("EQUIPOISE_EXCHANGE", f"{hub.url}services/exchange")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", tokens[who])
        where = {"root": str(folder), "db_url": f"sqlite:///{folder}/gradebook.db"}
        config = Config({"CourseDirectory": where | {"course_id": "equipoise", "assignment_id": lab}})
        # A log of its own, since nbgrader's API sets the level of the one that all share.
        own = {"assignment_dir": str(folder), "log": logging.getLogger("exchange")} | options
        return kind(coursedir=CourseDirectory(config=config), config=config, **own).start()

    act.folder, act.lab = tmp_path, lab
    return act


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_once_round(act):
    """Release, fetch, submit, collect, release feedback, fetch it, and see it in the list."""
    write(act.folder / "course" / "release" / act.lab, **{f"{act.lab}__ipynb": "task"})
    act("course", graders.ExchangeReleaseAssignment)
    act("ada", students.ExchangeFetchAssignment)
    own = act.folder / "ada" / "equipoise" / act.lab
    assert (own / f"{act.lab}.ipynb").read_text() == "task"
    write(own, **{f"{act.lab}__ipynb": "answer"})
    with pytest.raises(ExchangeError, match="already have a copy"):
        act("ada", students.ExchangeFetchAssignment)
    act("ada", students.ExchangeFetchAssignment, replace_missing_files=True)
    assert (own / f"{act.lab}.ipynb").read_text() == "answer"

    (own / f"{act.lab}.ipynb").rename(own / "renamed.ipynb")
    with pytest.raises(ExchangeError, match="nothing was handed in"):
        act("ada", students.ExchangeSubmit)
    (own / "renamed.ipynb").rename(own / f"{act.lab}.ipynb")
    act("ada", students.ExchangeSubmit)
    act("course", graders.ExchangeCollect)
    collected = act.folder / "course" / "submitted" / "ada" / act.lab
    assert (collected / f"{act.lab}.ipynb").read_text() == "answer"

    feedback = act.folder / "course" / "feedback" / "ada" / act.lab
    time = (collected / "timestamp.txt").read_text()
    write(feedback, **{f"{act.lab}__html": "page", "timestamp__txt": time, "secret__csv": "data"})
    act("course", graders.ExchangeReleaseFeedback)
    [listed] = act("ada", students.ExchangeList, cached=True)
    assert listed["submissions"][0]["has_exchange_feedback"] and not listed["submissions"][0]["has_local_feedback"]
    act("ada", students.ExchangeFetchFeedback)
    assert {path.name for path in (own / "feedback" / time).iterdir()} == {f"{act.lab}.html", students.CHECKSUM}
    write(feedback, **{f"{act.lab}__html": "page, corrected"})
    act("course", graders.ExchangeReleaseFeedback)
    [listed] = act("ada", students.ExchangeList, cached=True)
    assert listed["submissions"][0]["feedback_updated"]
    act("ada", students.ExchangeFetchFeedback)
    [listed] = act("ada", students.ExchangeList, cached=True)
    assert not listed["submissions"][0]["feedback_updated"] and listed["submissions"][0]["timestamp"] == time


def test_the_time_of_arrival_counts_whatever_the_folder_says(act, hub, tokens, caplog):
    received = hand_in(
        hub, tokens["ada"], act.lab, {f"{act.lab}.ipynb": b"x", "timestamp.txt": b"2020-01-01 00:00:00 UTC"}
    )
    act("course", graders.ExchangeCollect)
    said = (act.folder / "course" / "submitted" / "ada" / act.lab / "timestamp.txt").read_text()
    assert said == students.timestamp(received) and "of its own" in caplog.text


def bomb(kind: str) -> bytes:
    """What makes Python's own tarfile fail, each in its way."""
    member = tarfile.TarInfo("a")
    if kind == "time":
        member.mtime = 2**70
    if kind == "name":
        member.pax_headers = {"path": "a\0b"}
    if kind == "depth":
        member.name = "/".join("d" * 1500)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["time", "name", "depth"])
def test_no_archive_keeps_others_from_being_collected(act, hub, tokens, kind):
    hand_in(hub, tokens["ada"], act.lab, bomb(kind))
    hand_in(hub, tokens["bo"], act.lab, {f"{act.lab}.ipynb": b"fine"})
    act("course", graders.ExchangeCollect)
    submitted = act.folder / "course" / "submitted"
    assert (submitted / "bo" / act.lab / f"{act.lab}.ipynb").read_text() == "fine"
    assert (submitted / "ada" / act.lab / "timestamp.txt").is_file()


def test_an_archive_is_never_read_into_memory_beyond_its_bound(act, hub, tokens, monkeypatch, caplog):
    monkeypatch.setattr(students, "MOST_UNPACKED_BYTES", 1_000_000)
    hand_in(hub, tokens["ada"], act.lab, {"x" * 2_000_000: b""})  # a name is read whole
    act("course", graders.ExchangeCollect)
    assert "is larger than" in caplog.text


def test_hostile_archives_stop_nobody_and_lead_nowhere(act, hub, tokens, caplog):
    out = tarfile.TarInfo("../../escaped")
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device = tarfile.TarInfo("device")
    device.type = tarfile.CHRTYPE
    names = ("ada", "bo", "from-platform", "grader")
    hand_in(hub, tokens["ada"], act.lab, packed({"a": b"1"}, out))
    hand_in(hub, tokens["bo"], act.lab, b"no archive at all")
    hand_in(hub, tokens["from-platform"], act.lab, packed({f"{act.lab}.ipynb": b"fine"}, link, device))
    hand_in(
        hub, tokens["grader"], act.lab, packed({"x" * 5: b"0"} | {f"n{n}": b"" for n in range(students.MOST_FILES)})
    )
    act("course", graders.ExchangeCollect)
    submitted = act.folder / "course" / "submitted"
    found = {name: {path.name for path in (submitted / name / act.lab).iterdir()} for name in names}
    assert found["from-platform"] == {f"{act.lab}.ipynb", "timestamp.txt"}
    assert found["bo"] == found["ada"] == found["grader"] == {"timestamp.txt"}
    assert not list(act.folder.rglob("escaped")) and caplog.text.count("cannot be unpacked") == 3


def test_at_the_deadline_the_last_submission_in_time_is_collected(act, hub, tokens, monkeypatch):
    first = hand_in(hub, tokens["ada"], act.lab, {f"{act.lab}.ipynb": b"in time"})
    late = hand_in(hub, tokens["ada"], act.lab, {f"{act.lab}.ipynb": b"too late"})
    only_late = hand_in(hub, tokens["bo"], act.lab, {f"{act.lab}.ipynb": b"late, but all there is"})
    (act.folder / "course").mkdir()
    monkeypatch.setenv("PATH", str(BIN), prepend=os.pathsep)
    due = datetime.fromisoformat(first).replace(tzinfo=None) + timedelta(microseconds=1)
    with Gradebook(f"sqlite:///{act.folder}/course/gradebook.db", "equipoise") as gradebook:
        gradebook.add_assignment(act.lab, duedate=due)
    read = lambda who: (act.folder / "course" / "submitted" / who / act.lab / f"{act.lab}.ipynb").read_text()  # noqa: E731
    act("course", graders.ExchangeCollect)
    assert read("ada") == "too late"
    act("course", graders.ExchangeCollect, before_duedate=True)
    assert read("ada") == "in time" and read("bo").startswith("late") and late < only_late


def test_a_submission_that_is_too_large_is_not_sent(act, monkeypatch):
    monkeypatch.setattr(students, "MOST_BYTES", 100)
    write(act.folder / "ada" / "equipoise" / act.lab, **{f"{act.lab}__ipynb": os.urandom(200).hex()})
    with pytest.raises(ExchangeError, match="Remove large files"):
        act("ada", students.ExchangeSubmit)


def test_a_student_without_an_exchange_is_told(act, monkeypatch):
    monkeypatch.setattr(students, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(students.Line, "_base", lambda self: "http://127.0.0.1:9/")
    with pytest.raises(ExchangeError, match="cannot be reached"):
        act("ada", students.ExchangeFetchAssignment)
    monkeypatch.undo()
    monkeypatch.delenv("EQUIPOISE_EXCHANGE", raising=False)
    with pytest.raises(ExchangeError, match="no exchange here"):
        students.ExchangeList(coursedir=CourseDirectory()).start()


def test_students_file_needs_nothing_of_the_rest(act):
    """It is all that a student's server has of Equipoise."""
    source = Path(students.__file__).read_text()
    assert "import equipoise" not in source and "from equipoise" not in source
    assert json.loads((Path(students.__file__).parent / "jupyter/labconfig/page_config.json").read_text())
