"""Final marks, sent to the learning platform by LTI's Assignment and Grade Services.

A lab has a column (a *line item*) in each of the platform's courses. It is the one that belongs to the link by which
the lab was launched, or the one tagged with the lab's slug, or is made once. Who a student is there, and where the
columns are, the hub wrote down at his launch (``launches.py``).

Four rules. A mark that waits for a person is not sent: some platforms would take the part for the whole, and Moodle
would delete what it has. A mark is sent once, and again only if it changed; what was sent is kept beside the gradebook
and compared with what the platform says it has. A mark that somebody changed in the platform is left alone, and told.
Whatever fails is told by student, and sent by the next run.

``python -m equipoise.grading.lti FILE`` makes the key with which this tool says who it is, and shows its public part.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from pydantic import BaseModel, ConfigDict, ValidationError

from equipoise.files import write_whole
from equipoise.grading import launches, records

if TYPE_CHECKING:
    from equipoise.grading.records import Grade
    from equipoise.grading.run import Classroom

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = tuple(SCOPE + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score"))
COLUMN, COLUMNS = "application/vnd.ims.lis.v2.lineitem+json", "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS, SCORE = "application/vnd.ims.lis.v2.resultcontainer+json", "application/vnd.ims.lis.v1.score+json"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ATTEMPTS = 4
PAUSE = 1.0  # seconds before the second attempt; twice as long before each further one
LONGEST_PAUSE = 30  # seconds, whatever the platform asks for
TIMEOUT = 30  # seconds without a byte
GIVE_UP = 3  # students in a row for whom the platform does not answer
TRANSIENT = {429, 500, 502, 503, 504}
TOLERANCE = 1e-4  # of the whole; platforms round
MAKE = "python -m equipoise.grading.lti"
SILENCE = "the platform does not answer"


class LTIError(Exception):
    """Nothing can be sent; the message says why, and what to do."""


class Refused(Exception):
    """The platform does not want this."""


class Silent(Exception):
    """The platform does not answer, or has troubles of its own."""


class Settings(BaseModel):
    """``c.Equipoise.lti`` in nbgrader_config.py. Paths are seen from the folder ``grading``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    token_url: str
    key: Path  # the private key, in PEM
    launches: Path  # the folder of this course in which the hub keeps launches
    audience: str = ""  # whom the platform wants to be called when it is asked for a token; else the token_url


class State(StrEnum):
    SENT = "sent"
    UNCHANGED = "unchanged"
    WAITING = "not final"
    CHANGED = "changed there"
    UNKNOWN = "not known there"
    FAILED = "not sent"


@dataclass(frozen=True)
class Passed:
    """What became of one student's mark."""

    lab: str
    student: str
    state: State
    why: str = ""

    @property
    def lost(self) -> bool:
        """Whether there is a final mark that the platform ought to have and has not."""
        return self.state in (State.FAILED, State.UNKNOWN)


def send(classroom: Classroom, labs: Collection[str] = ()) -> Iterator[Passed]:
    """Send every final mark of ``labs`` (slugs), or of all, and yield what became of each.

    Students without a submission have no mark, and are passed over. Raises LTIError, LaunchError and
    records.Unreachable before anything is sent.
    """
    chosen = settings(classroom)
    known = launches.read(chosen.launches)
    with records.reading(classroom.url) as gradebook:
        grades = records.grades(gradebook, labs) if gradebook else []
    if missing := set(labs) - {grade.lab for grade in grades}:
        raise LTIError(f"{min(missing)} is not in the gradebook. Run: equipoise grade {min(missing)}")
    with Service(chosen) as service:
        for slug, of_lab in groupby((grade for grade in grades if grade.points is not None), key=lambda one: one.lab):
            lab = classroom.course.labs.get(slug)
            with _remembered(classroom.root / "lti" / f"{slug}.json") as sent:
                yield from _Delivery(service, known, sent, lab.facts.title if lab else slug).send(list(of_lab))


def settings(classroom: Classroom) -> Settings:
    """What the configuration says about the platform. Raises LTIError."""
    where = "grading/nbgrader_config.py: c.Equipoise.lti"
    found = classroom.config.Equipoise.get("lti")
    if not found:
        raise LTIError(f"{where} is not set; grading/deploy/lti.md says how")
    folder = classroom.course.root / "grading"
    try:
        chosen = Settings.model_validate(dict(found))
    except ValidationError as error:
        first = error.errors()[0]
        raise LTIError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return chosen.model_copy(update={"key": folder / chosen.key, "launches": folder / chosen.launches})


# ---- what is sent ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Delivery:
    """The marks of one lab on their way."""

    service: Service
    known: launches.Launches
    sent: dict[str, dict[str, list[float]]]  # points and their maximum, by column and by user there
    title: str

    def send(self, grades: list[Grade]) -> Iterator[Passed]:
        by_course: dict[str, list[tuple[Grade, str]]] = defaultdict(list)
        for grade in grades:
            user, lineitems = self._whereabouts(grade)
            if grade.waiting:
                yield _passed(grade, State.WAITING, f"{grade.unmarked} to be marked")
            elif not user or not lineitems:
                yield _passed(grade, State.UNKNOWN, "no launch from the platform" if not user else "no grade service")
            else:
                by_course[lineitems].append((grade, user))
        for lineitems, marks in by_course.items():
            yield from self._fill(lineitems, marks)

    def _whereabouts(self, grade: Grade) -> tuple[str, str | None]:
        """Who a student is in the platform, and where the columns of his course are."""
        learner = self.known.learners.get(grade.student)
        if learner:
            return learner.lms_user_id, learner.lineitems
        courses = {each.lineitems for each in self.known.learners.values() if each.lineitems}
        return grade.lms_user_id, courses.pop() if len(courses) == 1 else None

    def _fill(self, lineitems: str, marks: list[tuple[Grade, str]]) -> Iterator[Passed]:
        """Bring one column up to date."""
        first = marks[0][0]
        own = self.known.columns.get((first.lab, lineitems))
        try:
            column = own or self.service.column(lineitems, first.lab, self.title, first.worth)
            results = self.service.results(column)
        except (Refused, Silent) as error:
            yield from (_passed(grade, State.FAILED, str(error)) for grade, _ in marks)
            return
        sent, silence = self.sent.setdefault(column, {}), 0
        for grade, user in marks:
            if silence == GIVE_UP:
                yield _passed(grade, State.FAILED, f"not tried: {SILENCE}")
                continue
            passed = self._one(column, grade, user, sent, results)
            silence = silence + 1 if passed.why.startswith(SILENCE) else 0
            yield passed

    def _one(self, column: str, grade: Grade, user: str, sent: dict, results: dict | None) -> Passed:
        mark = [grade.score, grade.worth]
        state, why = compare(mark, sent.get(user), results, user)
        if state is State.SENT:
            try:
                self.service.score(column, user, grade.score, grade.worth)
            except (Refused, Silent) as error:
                return _passed(grade, State.FAILED, str(error))
        if state is not State.CHANGED:
            sent[user] = mark
        return _passed(grade, state, why)


def compare(
    mark: list[float], before: list[float] | None, results: dict[str, float | None] | None, user: str
) -> tuple[State, str]:
    """Whether ``mark`` (points, maximum) is to be sent: SENT, UNCHANGED or CHANGED, and in the last case, how.

    ``before`` is what was sent last. ``results`` are the platform's, as shares of the maximum; it may not tell them.
    """
    has = (results or {}).get(user)
    share = mark[0] / mark[1] if mark[1] else 0.0
    alike = abs((has or 0.0) - share) <= TOLERANCE and results is not None and user in results
    if alike or (before == mark and results is None):
        return State.UNCHANGED, ""
    if before == mark and has is not None:
        return State.CHANGED, f"{share:.0%} was sent, the platform has {has:.0%}"
    return State.SENT, ""


def _passed(grade: Grade, state: State, why: str = "") -> Passed:
    return Passed(grade.lab, grade.student, state, why)


@contextmanager
def _remembered(path: Path) -> Iterator[dict]:
    """What was sent, from a file; what is sent meanwhile is added to it, however this ends."""
    try:
        sent = json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError as error:
        raise LTIError(f"{path} is no record of what was sent: remove it; all marks are compared anew") from error
    try:
        yield sent
    finally:
        write_whole(path, json.dumps(sent, indent=1), private=True)


# ---- the platform ----------------------------------------------------------------------------------------------------


class Service:
    """The platform's grade service, as one tool may use it. One token serves a run."""

    def __init__(self, chosen: Settings):
        self.settings, self.key = chosen, private_key(chosen.key)
        self.client = httpx.Client(timeout=TIMEOUT)
        self.token, self.granted = "", frozenset()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def column(self, lineitems: str, lab: str, title: str, worth: float) -> str:
        """The address of the column tagged with ``lab``, which is made if there is none. Raises Refused and Silent."""
        for attempt in range(ATTEMPTS):
            _pause(attempt)
            found = next((item["id"] for item in self._pages(lineitems, COLUMNS) if item.get("tag") == lab), None)
            if found:
                return found
            item = {"label": title, "scoreMaximum": worth, "tag": lab, "resourceId": lab}
            try:  # once, as it may be made although no answer comes: then it is found
                return self._ask("POST", lineitems, COLUMN, lambda item=item: item, attempts=1).json()["id"]
            except Silent as error:
                silent = error
            except Refused as error:
                raise Refused(f"no column for {lab}, and none can be made ({error})") from error
        raise silent

    def results(self, column: str) -> dict[str, float | None] | None:
        """What the platform has for each user, as a share of the maximum; None if it does not tell."""
        self._authorise()
        if f"{SCOPE}result.readonly" not in self.granted:
            return None
        found = self._pages(_below(column, "results"), RESULTS)
        return {str(result["userId"]): _share(result) for result in found}

    def score(self, column: str, user: str, points: float, worth: float) -> None:
        """Give a final mark. Raises Refused and Silent."""

        def score() -> dict:  # a platform refuses what is not newer than what it has, so each attempt has its own time
            progress = {"activityProgress": "Completed", "gradingProgress": "FullyGraded"}
            marks = {"userId": user, "scoreGiven": points, "scoreMaximum": worth}
            return marks | progress | {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")}

        self._ask("POST", _below(column, "scores"), SCORE, score)

    def _pages(self, address: str | None, kind: str) -> Iterator[dict]:
        while address:
            answer = self._ask("GET", address, kind)
            found = answer.json()
            yield from found if isinstance(found, list) else ()
            address = answer.links.get("next", {}).get("url")

    def _ask(
        self, method: str, address: str, kind: str, body: Callable[[], dict] | None = None, attempts: int = ATTEMPTS
    ) -> httpx.Response:
        """A request with the token; once more with a new one if the platform does not take it any longer."""
        _insist_on_https(address)

        def request() -> httpx.Response:
            headers = {"Authorization": f"Bearer {self._authorise()}", "Content-Type" if body else "Accept": kind}
            return self.client.request(method, address, headers=headers, content=json.dumps(body()) if body else None)

        answer = _patiently(request, attempts)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.token = ""
            answer = _patiently(request, attempts)
        if answer.status_code == httpx.codes.CONFLICT:
            raise Refused("the platform has a newer mark")
        if not answer.is_success:
            raise Refused(_said(answer))
        return answer

    def _authorise(self) -> str:
        """A token for this run. Raises LTIError if the platform gives none."""
        if self.token:
            return self.token
        _insist_on_https(self.settings.token_url)
        for scopes in (SCOPES, SCOPES[-1:]):  # some give nothing to who asks for more than he may have
            answer = _patiently(lambda scopes=scopes: self._ask_for_token(scopes))
            if "invalid_scope" not in answer.text:
                break
        try:
            given = answer.json() if answer.is_success else {}
            self.token, self.granted = given["access_token"], frozenset(given.get("scope", " ".join(scopes)).split())
        except (ValueError, LookupError) as error:
            repair = "Compare client_id, token_url and the public key with what the platform has"
            raise LTIError(f"{self.settings.token_url} gives no token: {_said(answer)}. {repair}") from error
        return self.token

    def _ask_for_token(self, scopes: Collection[str]) -> httpx.Response:
        """By an assertion that is signed with the tool's key (RFC 7523)."""
        now, chosen = int(time.time()), self.settings
        claims = {"iss": chosen.client_id, "sub": chosen.client_id, "aud": chosen.audience or chosen.token_url}
        claims |= {"iat": now, "exp": now + 300, "jti": uuid.uuid4().hex}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": jwt.encode(claims, self.key, "RS256", {"kid": public_jwk(self.key)["kid"]}),
            "scope": " ".join(scopes),
        }
        return self.client.post(chosen.token_url, data=form)


def _patiently(request: Callable[[], httpx.Response], attempts: int = ATTEMPTS) -> httpx.Response:
    """The answer to a request that is repeated while the platform has troubles. Raises Silent when they go on."""
    asked_to_wait = 0.0
    for attempt in range(attempts):
        _pause(attempt, asked_to_wait)
        try:
            answer = request()
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            continue
        if answer.status_code not in TRANSIENT:
            return answer
        why, wait = _said(answer), answer.headers.get("Retry-After", "")
        asked_to_wait = float(wait) if wait.isdecimal() else 0.0
    raise Silent(f"{SILENCE} ({why})")


def _pause(attempt: int, asked: float = 0.0) -> None:
    if attempt:
        time.sleep(min(max(PAUSE * 2 ** (attempt - 1), asked), LONGEST_PAUSE))


def _below(column: str, part: str) -> str:
    """The address of a part of a column, such as ``scores``. Moodle's columns have a query."""
    address = urlsplit(column)
    return address._replace(path=f"{address.path.rstrip('/')}/{part}").geturl()


def _share(result: dict) -> float | None:
    points = result.get("resultScore")
    return None if points is None else points / (result.get("resultMaximum") or 1)


def _said(answer: httpx.Response) -> str:
    return " ".join(f"{answer.status_code} {answer.reason_phrase} {answer.text[:200]}".split())


def _insist_on_https(address: str) -> None:
    """A token is a password. Raises LTIError."""
    if launches.is_readable_on_the_way(address):
        raise LTIError(f"{address} does not begin with https://: marks would be sent for all to read")


# ---- the tool's key --------------------------------------------------------------------------------------------------


def private_key(path: Path) -> RSAPrivateKey:
    """The key with which this tool says who it is. Raises LTIError, also if others can read it."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise LTIError(f"{path}: {error.strerror}. Run: {MAKE} {path}") from error
    if mode & 0o077:
        raise LTIError(f"{path} can be read by others, who could give marks. Make a new one: {MAKE} FILE")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise LTIError(f"{path} holds no private key in PEM without a password. Run: {MAKE} FILE") from error
    if not isinstance(key, RSAPrivateKey):
        raise LTIError(f"{path} holds a key of another kind; platforms want RSA. Run: {MAKE} FILE")
    return key


def make_key(path: Path) -> RSAPrivateKey:
    """The key in ``path``, which is made if there is none. Raises LTIError."""
    if path.exists():
        return private_key(path)
    key = generate_private_key(public_exponent=65537, key_size=2048)
    kind = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise LTIError(f"{path} cannot be written: {error.strerror}") from error
    return key


def public_jwk(key: RSAPrivateKey) -> dict[str, str]:
    """The public part, as Canvas takes it. Its id is its thumbprint (RFC 7638)."""
    numbers = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    parts = {name: numbers[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
    return parts | {"kid": base64.urlsafe_b64encode(digest).decode().rstrip("="), "alg": "RS256", "use": "sig"}


def public_pem(key: RSAPrivateKey) -> str:
    """The public part, as Moodle takes it."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def main(file: str) -> None:
    """Show the public key, for whoever registers this tool."""
    try:
        key = make_key(Path(file))
    except LTIError as error:
        sys.exit(str(error))
    print(f"For Moodle:\n\n{public_pem(key)}\nFor Canvas:\n\n{json.dumps(public_jwk(key), indent=2)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
