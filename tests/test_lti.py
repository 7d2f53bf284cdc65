"""Launches from a learning platform into a real hub: who gets in, into which groups, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
import pytest
from hubs import free_ports, overlay
from small_lms import ASSISTANT, CLAIM, INSTRUCTOR, LEARNER, MEMBERSHIP, Browser, Platform, client, new_key, serving
from support import BIN

from equipoise.grading import launches
from equipoise.hub.lti import LaunchAuthenticator, context_roles, username

COURSES = {"bioethics": "equipoise", "bioethics-b": "equipoise", "law": "law-2027"}
FACULTY = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"
TOKEN = "5f1c" * 8
CONFIG = """
c.JupyterHub.bind_url = "{hub}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"], "scopes": ["list:users", "read:users"]}}]
c.JupyterHub.authenticator_class = "equipoise.hub.lti.LaunchAuthenticator"
c.LaunchAuthenticator.issuer = "{lms}"
c.LaunchAuthenticator.authorize_url = "{lms}/auth"
c.LaunchAuthenticator.jwks_endpoint = "{lms}/jwks"
c.LaunchAuthenticator.client_id = {{"tool-7"}}
c.LaunchAuthenticator.deployments = {{"1"}}
c.LaunchAuthenticator.courses = {courses!r}
c.LaunchAuthenticator.launches = "launches"
"""


@dataclass
class Hub:
    """A running hub, and what its API says of users."""

    address: str
    folder: Path

    def groups(self, name: str) -> set[str] | None:
        """None: there is no such user."""
        url, headers = f"{self.address}/hub/api/users/{name}", {"Authorization": f"token {TOKEN}"}
        answer = httpx.get(url, headers=headers, trust_env=False)
        return set(answer.json()["groups"]) if answer.status_code == 200 else None

    def launches(self, course: str) -> launches.Launches:
        return launches.read(self.folder / "launches" / course)


@pytest.fixture(scope="module", params=["6.1", "5.5"])
def hub_version(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def lms(hub_version) -> Iterator[Platform]:
    """A new one for each hub."""
    with serving(Platform()) as platform:
        yield platform


@pytest.fixture(scope="module")
def hub(hub_version, lms, tmp_path_factory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    folder.chmod(0o700)
    port, hub_port, proxy_port = free_ports(3)
    lms.tool = f"http://127.0.0.1:{port}"
    facts = {"hub": lms.tool, "hub_port": hub_port, "proxy_port": proxy_port, "lms": lms.address, "token": TOKEN}
    config = CONFIG.format(**facts, proxy=str(BIN / "configurable-http-proxy"), courses=COURSES)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    if hub_version != "6.1":
        environment["PYTHONPATH"] = str(overlay(tmp_path_factory.mktemp("overlay")))
        config += f"c.JupyterHub.data_files_path = '{environment['PYTHONPATH']}/share/jupyterhub'\n"
    (folder / "config.py").write_text(config)
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "jupyterhub", "-f", "config.py"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        wait_for(lms.tool, process, folder / "log")
        yield Hub(lms.tool, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/hub/health", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(autouse=True)
def _well_behaved(request) -> Iterator[None]:
    yield
    if "lms" in request.fixturenames:
        platform = request.getfixturevalue("lms")
        platform.spoil, platform.signs_with = lambda claims: claims, None


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code in (400, 401, 403), answer.text
    assert "jupyterhub-session-id" not in answer.headers.get("Set-Cookie", "")
    return f"{answer.status_code} {unescape(answer.text)}"


# ---- who gets in -----------------------------------------------------------------------------------------------------


def test_the_hub_has_the_version_that_is_asked_for(hub, hub_version):
    said = httpx.get(f"{hub.address}/hub/api", trust_env=False).json()["version"]
    assert said.startswith(hub_version)


@pytest.mark.parametrize(
    ("sub", "roles", "group"),
    [
        ("101", [LEARNER], "nbgrader-equipoise"),
        ("102", [INSTRUCTOR], "formgrade-equipoise"),
        ("103", [ASSISTANT], "formgrade-equipoise"),
        ("104", [FACULTY, f"{MEMBERSHIP}/Learner#Instructor"], "nbgrader-equipoise"),
    ],
    ids=["learner", "instructor", "assistant", "learner of the faculty"],
)
def test_a_role_in_the_course_is_a_group_of_the_hub(hub, lms, sub, roles, group):
    browser = Browser()
    answer = browser.launch(lms.begin(sub, roles=roles))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    assert hub.groups(f"lti-{sub}") == {group}
    home = browser.client.get(f"{hub.address}/hub/home")
    assert home.status_code == 200 and f"lti-{sub}" in home.text


def test_a_role_in_the_institution_only_gives_nothing(hub, lms):
    said = refusal(Browser().launch(lms.begin("110", roles=[FACULTY, f"{MEMBERSHIP}#Mentor"])))
    assert "gives no access" in said
    assert hub.groups("lti-110") is None


def test_a_role_that_changes_changes_the_group_and_leaves_other_courses_alone(hub, lms):
    name = "lti-120"

    def launch(*roles: str, context: str = "bioethics") -> httpx.Response:
        return Browser().launch(lms.begin("120", context=context, roles=list(roles)))

    launch(LEARNER)
    launch(INSTRUCTOR, context="law")
    assert hub.groups(name) == {"nbgrader-equipoise", "formgrade-law-2027"}
    launch(INSTRUCTOR)
    assert hub.groups(name) == {"formgrade-equipoise", "formgrade-law-2027"}
    launch(LEARNER, context="law")
    assert hub.groups(name) == {"formgrade-equipoise", "nbgrader-law-2027"}
    refusal(launch(FACULTY))
    assert hub.groups(name) == {"nbgrader-law-2027"}


def test_what_marks_need_is_written_down_for_the_grader_and_nobody_else(hub, lms):
    who = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org", "picture": "x"}
    lms.people["130"] = who
    number = lms.add_column(of_link="pulse", label="Pulse", scoreMaximum=40)
    Browser().launch(lms.begin("130", lab="pulse"))
    Browser().launch(lms.begin("131", roles=[INSTRUCTOR]))
    known = hub.launches("equipoise")
    ada = launches.Learner(
        lms_user_id="130", lineitems=lms.lineitems, first_name="Ada", last_name="Lovelace", email="ada@example.org"
    )
    assert known.learners["lti-130"] == ada
    assert "lti-131" not in known.learners
    assert known.columns == {("pulse", lms.lineitems): lms.item(number)["id"]}
    files = list((hub.folder / "launches").rglob("*.json"))
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (hub.folder / "launches" / "equipoise").stat().st_mode & 0o777 == 0o700
    assert "picture" not in "".join(path.read_text() for path in files)
    Browser().launch(lms.begin("130", roles=[INSTRUCTOR]))
    assert "lti-130" not in hub.launches("equipoise").learners


# ---- what is refused -------------------------------------------------------------------------------------------------


def changed(**claims: object):
    """A launch with other claims; ``None`` leaves one out. A name without a dot or slash may be one of LTI's."""

    def spoil(launch: dict) -> dict:
        for name, value in claims.items():
            launch[name if name in launch else f"{CLAIM}{name}"] = value
        return {name: value for name, value in launch.items() if value is not None}

    return spoil


DEEP_LINKING = {
    f"{CLAIM}message_type": "LtiDeepLinkingRequest",
    f"{CLAIM}tool_platform": {},
    f"{CLAIM}launch_presentation": {},
    "azp": "tool-7",
}
SPOILT = {
    "expired": (changed(exp=int(time.time()) - 3600, iat=int(time.time()) - 3700), "expired"),
    "old": (changed(iat=int(time.time()) - 3600), "issued too long ago"),
    "for another tool": (changed(aud="tool-8"), "Audience"),
    "by another platform": (changed(iss="https://lms.example.org"), "issuer"),
    "of another deployment": (changed(deployment_id="2"), "deployment '2'"),
    "of a course that is not known": (changed(context={"id": "cooking"}), "no course for the context 'cooking'"),
    "of no course": (changed(context=None), "no course for the context None"),
    "of another kind": (lambda launch: launch | DEEP_LINKING, "links in a course"),
    "without a nonce": (changed(nonce=None), "nonce"),
    "with another nonce": (changed(nonce="0" * 64), "nonce mismatch"),
    "of nobody": (changed(sub=None), "does not say who you are"),
}


@pytest.mark.parametrize(("spoil", "why"), SPOILT.values(), ids=SPOILT)
def test_a_wrong_launch_is_refused(hub, lms, spoil, why):
    lms.spoil = spoil
    assert why in refusal(Browser().launch(lms.begin("140")))
    assert hub.groups("lti-140") is None


def test_a_launch_signed_by_somebody_else_is_refused(hub, lms):
    lms.signs_with = new_key()
    assert "Signature verification failed" in refusal(Browser().launch(lms.begin("141")))
    assert hub.groups("lti-141") is None


def test_a_launch_is_good_once_even_for_who_has_its_cookies(hub, lms):
    browser = Browser()
    action, fields = browser.form(lms.begin("142"))
    cookies = {cookie.name: cookie.value for cookie in browser.client.cookies.jar}
    assert browser.client.post(action, data=fields).status_code == 302
    assert "state missing" in refusal(browser.client.post(action, data=fields))
    thief = client(cookies=cookies)
    assert "used before" in refusal(thief.post(action, data=fields))


def test_a_launch_begun_in_another_browser_is_refused(hub, lms):
    action, fields = Browser().form(lms.begin("143"))
    assert "state missing" in refusal(httpx.post(action, data=fields, trust_env=False))
    other = Browser()
    other.form(lms.begin("144"))
    assert "state mismatch" in refusal(other.client.post(action, data=fields))
    assert hub.groups("lti-143") is hub.groups("lti-144") is None


def test_cookies_of_a_launch_come_along_from_another_site(hub, lms):
    secure = {"X-Scheme": "https"}  # as the server says that speaks https for the hub
    answer = httpx.get(lms.begin("145"), headers=secure, trust_env=False)
    cookies = [line for line in answer.headers.get_list("Set-Cookie") if "lti13authenticator" in line]
    assert len(cookies) == 2
    assert all({"HttpOnly", "Secure", "SameSite=None"} <= set(cookie.split("; ")) for cookie in cookies)


def test_who_does_not_come_from_the_platform_is_told_where_to_begin(hub, lms):
    for address in ("/hub/lti13/oauth_login", "/hub/lti13/oauth_login?iss=https://elsewhere.example.org"):
        answer = httpx.get(f"{hub.address}{address}", trust_env=False)
        assert f"opened from a course at {lms.address}" in refusal(answer)
    assert httpx.get(f"{hub.address}/hub/lti13/config", trust_env=False).status_code == 404


# ---- names, roles and settings ---------------------------------------------------------------------------------------


def test_names_are_unique_and_of_no_local_account():
    uuid = "a6d5c443-1f51-4783-ba1a-7686ffe3b54a"
    values = ["2", "root", "Root", "ada.l@example.org", "ADA.L@example.org", uuid, "ß" * 9, "a/b", "x" * 24, "x" * 25]
    names = {value: username(value) for value in values}
    assert len(set(names.values())) == len(values)
    assert all(len(name) <= 32 and name.startswith("lti-") and name == name.lower() for name in names.values())
    digest = names[uuid].removeprefix("lti-")
    assert username(digest) != names[uuid]  # nobody can call himself as another is called


def settings(folder: Path, **changes) -> dict:
    lms = "https://lms.example.org"
    found = {"issuer": lms, "authorize_url": f"{lms}/auth", "jwks_endpoint": f"{lms}/jwks", "client_id": {"7"}}
    found |= {"deployments": {"1"}, "courses": {"a": "equipoise"}, "launches": str(folder / "launches")}
    return found | changes


@pytest.mark.parametrize("value", [None, "", " ", "$User.username", ["7"]])
def test_a_claim_that_names_nobody_is_replaced_by_no_other(tmp_path, value):
    authenticator = LaunchAuthenticator(**settings(tmp_path, username_key="custom_login"))
    assert authenticator.get_username({"sub": "7", f"{CLAIM}custom": {"login": "ada"}}) == "lti-ada"
    with pytest.raises(Exception, match="no claim custom_login"):
        authenticator.get_username({"sub": "7", f"{CLAIM}custom": {"login": value}})


@pytest.mark.parametrize("sub", [None, "", 7])
def test_a_launch_without_the_platforms_own_id_is_refused_whatever_names_are_made_of(tmp_path, sub):
    authenticator, now = LaunchAuthenticator(**settings(tmp_path, username_key="custom_login")), int(time.time())
    token = {"nonce": "x", "iat": now, "exp": now + 300, "sub": sub, f"{CLAIM}custom": {"login": "ada"}}
    token |= {f"{CLAIM}message_type": "LtiResourceLinkRequest", f"{CLAIM}deployment_id": "1"}
    token |= {f"{CLAIM}context": {"id": "a"}, f"{CLAIM}roles": [LEARNER]}
    with pytest.raises(Exception, match="no claim sub"):
        asyncio.run(authenticator.authenticate(None, token))


def test_roles_are_those_of_the_course_in_full():
    wrong = [FACULTY, "Instructor", f"{MEMBERSHIP}#Instructor#Grader", f"x{INSTRUCTOR}", f"{MEMBERSHIP}/#Learner", 7]
    assert context_roles(wrong) == set()
    assert context_roles([*wrong, ASSISTANT, f"{MEMBERSHIP}#Mentor"]) == {"Instructor", "Mentor"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"deployments": set()}, "Set c.LaunchAuthenticator.deployments"),
        ({"courses": {}}, "Set c.LaunchAuthenticator.courses"),
        ({"courses": {"a": "../b"}}, "'../b' is no course id"),
        ({"jwks_endpoint": "http://lms.example.org/jwks"}, "jwks_endpoint must begin with https"),
    ],
)
def test_a_setting_that_opens_the_hub_stops_it(tmp_path, change, why):
    with pytest.raises(ValueError, match=why):
        LaunchAuthenticator(**settings(tmp_path, **change))


def test_a_launch_from_before_the_hub_is_refused_since_nobody_knows_whether_it_was_used(tmp_path):
    authenticator, now = LaunchAuthenticator(**settings(tmp_path)), int(time.time())
    for iat, why in ((now - 60, "too old"), (now + 1, "links in a course")):
        with pytest.raises(Exception, match=why):
            asyncio.run(authenticator.authenticate(None, {"nonce": str(iat), "iat": iat, "exp": now + 300}))


def test_a_folder_open_to_all_is_not_used(tmp_path):
    LaunchAuthenticator(**settings(tmp_path))
    folder = tmp_path / "launches" / "equipoise"
    launches.keep_learner(folder, "lti-7", launches.Learner(lms_user_id="7"))
    folder.chmod(0o777)
    with pytest.raises(launches.LaunchError, match="chmod o="):
        LaunchAuthenticator(**settings(tmp_path))
    folder.chmod(0o700)
    assert launches.read(folder).learners["lti-7"].lms_user_id == "7"
    (folder / "learner-lti-8.json").write_text(json.dumps({"lms_user_id": 8}))
    with pytest.raises(launches.LaunchError, match=r"learner-lti-8\.json is not what the hub writes"):
        launches.read(folder)
