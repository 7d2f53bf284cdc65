"""A launch from a learning platform (LTI 1.3) becomes a login to the hub, in the groups of its course.

``jupyterhub-ltiauthenticator`` does the handshake. It holds a launch against the platform's keys, and checks issuer,
audience, expiry, age, and that state and nonce are those of a login that began in the same browser. Left open, and
closed here: a launch may be sent again, any deployment of the tool is as good as another, the name is taken from a
claim that the user may write himself, and nobody's role matters.

A launch names a *context*, the course in the platform. The configuration says which contexts are known, and which
course each of them is. Only a role in the context counts: who is staff of the institution, or its administrator, has
no part in a course by that.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

from jupyterhub.app import JupyterHub
from jupyterhub.handlers import BaseHandler
from ltiauthenticator.lti13.auth import LTI13Authenticator
from ltiauthenticator.lti13.error import InvalidAudienceError, ValidationError
from ltiauthenticator.lti13.handlers import LTI13CallbackHandler, LTI13LoginInitHandler
from ltiauthenticator.lti13.validator import LTI13LaunchValidator
from tornado.web import HTTPError
from traitlets import Bool, Dict, Set, Unicode, default

from equipoise.grading import launches

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
SERVICES = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ROLE = re.compile(rf"{re.escape(MEMBERSHIP)}(?:#(\w+)|/(\w+)#\w+)")  # a sub-role is membership/Instructor#Grader
GROUPS = {"Learner": "nbgrader-{}", "Instructor": "formgrade-{}"}  # as nbgrader wants them to be called
COURSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LAB = re.compile(r"[a-z0-9-]{1,60}")
PLAIN = re.compile(r"[a-z0-9_-]{1,24}")
DIGITS = 28  # of a digest in a name; with "lti-" as long as Linux lets a name be


class LoginHandler(LTI13LoginInitHandler):
    """Where a launch begins. The browser comes here from the platform, and is sent back with state and nonce."""

    def post(self) -> None:
        """Refuse who does not come from the platform, in words for a student who has a bookmark of the hub."""
        if self.get_argument("iss", "") != self.authenticator.issuer:
            raise HTTPError(400, f"This hub is opened from a course at {self.authenticator.issuer}: open it there.")
        super().post()

    get = post

    def _set_oauth_cookie(self, key: str, value: str) -> None:
        """The launch is a form posted by another site, with which browsers send a cookie only if it says so."""
        secure = self.authenticator.get_uri_scheme(self.request) == "https"
        across = {"samesite": "None", "secure": True} if secure else {}
        self._set_cookie(key, value, expires_days=1, httponly=True, encrypted=True, **across)


class LaunchHandler(LTI13CallbackHandler):
    """Where a launch arrives."""

    async def post(self) -> None:
        """Check the launch and log in. Fetching the platform's keys does not hold up the hub."""
        try:
            token = await asyncio.to_thread(self.decode_and_validate_launch_request)
        except InvalidAudienceError as error:
            raise HTTPError(401, str(error)) from error
        except ValidationError as error:
            raise HTTPError(400, str(error)) from error
        user = await self.login_user(token)
        if user is None:
            raise HTTPError(403, "This hub does not let you in.")
        await self.redirect_to_next_url(user)


class LaunchAuthenticator(LTI13Authenticator):
    """For ``c.JupyterHub.authenticator_class``. Its settings are those of LTI13Authenticator, and these."""

    login_handler = LoginHandler
    callback_handler = LaunchHandler

    courses = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="Which course each context of the platform is: {context id: course id}. Launches from others are refused.",
    )
    deployments = Set(Unicode(), config=True, help="The deployment ids under which the platform knows this tool.")
    launches = Unicode(
        config=True,
        help="""
        A folder for what the grader needs to send marks: COURSE/learner-NAME.json and COURSE/link-ID.json, readable
        only by the owner of the folder COURSE. Nothing is written down if it is empty.
        """,
    )
    names = Bool(True, config=True, help="Whether names and e-mail addresses of learners are written down, too.")

    @default("username_key")
    def _username_key(self) -> str:
        return "sub"

    @default("manage_groups")
    def _manage_groups(self) -> bool:
        return True

    @default("allow_all")
    def _allow_all(self) -> bool:
        return True  # who has a role in a course that is known here; ``authenticate`` refuses all others

    def __init__(self, **kwargs):
        """Raises ValueError if a setting is missing or makes no sense."""
        super().__init__(**kwargs)
        self._used: dict[str, float] = {}  # nonces, and until when a launch with them would be accepted
        self._started = int(time.time())
        self._leeway = LTI13LaunchValidator(parent=self).time_leeway
        self._check_settings()

    def get_handlers(self, app: JupyterHub) -> list[tuple]:
        """Two addresses; the third of LTI13Authenticator would ask the platform for rights that nobody here needs."""
        return [(self.login_url(""), self.login_handler), (self.callback_url(""), self.callback_handler)]

    async def authenticate(self, handler: BaseHandler, data: dict | None = None) -> dict:
        """The name and groups for a verified launch.

        The hub replaces all groups of a user by those returned, so they include his groups of other courses.
        Raises HTTPError in words for the person who launches.
        """
        token = data or {}
        self._refuse_again(token)
        self._refuse_other_uses(token)
        course = self._course(token)
        name = self.normalize_username(self.get_username(token))
        roles = context_roles(token.get(f"{CLAIM}roles") or [])
        user = handler.find_user(name)
        others = ({group.name for group in user.groups} if user else set()) - set(_groups(GROUPS, course))
        self._write_down(course, name, roles, token)
        if not roles & set(GROUPS):
            if user:
                user.sync_groups(others)
            raise HTTPError(403, "Your role in this course of the learning platform gives no access to its labs.")
        return {"name": name, "groups": sorted(others | _groups(roles & set(GROUPS), course))}

    def get_username(self, token: dict) -> str:
        """The hub's name for who launches. A claim that is missing is never replaced by another."""
        key = self.username_key
        claims = token.get(f"{CLAIM}custom") or {} if key.startswith("custom_") else token
        value = claims.get(key.removeprefix("custom_"))
        if not isinstance(value, str | int) or not str(value).strip() or str(value).startswith("$"):
            raise HTTPError(403, f"The learning platform does not say who you are: the launch has no claim {key}.")
        return username(str(value))

    def _check_settings(self) -> None:
        needed = ("issuer", "authorize_url", "jwks_endpoint", "client_id", "deployments", "courses")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"Set c.LaunchAuthenticator.{missing[0]}: see grading/deploy/lti.md.")
        for name in ("authorize_url", "jwks_endpoint"):
            if launches.is_readable_on_the_way(getattr(self, name)):
                raise ValueError(f"c.LaunchAuthenticator.{name} must begin with https://")
        for course in self.courses.values():
            if not COURSE.fullmatch(course):
                raise ValueError(f"c.LaunchAuthenticator.courses: {course!r} is no course id; use letters, digits, - _")
            if self.launches:
                folder = Path(self.launches) / course
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                launches.check(folder)

    def _refuse_again(self, token: dict) -> None:
        """A launch is good once. What was used before the hub started is not known any more, so it is refused."""
        now, nonce = time.time(), token["nonce"]
        self._used = {used: until for used, until in self._used.items() if until >= now}
        if nonce in self._used or token["iat"] < self._started - self._leeway:
            raise HTTPError(403, "This launch was used before, or is too old. Open the lab from your course again.")
        self._used[nonce] = token["exp"] + self._leeway

    def _refuse_other_uses(self, token: dict) -> None:
        if token.get(f"{CLAIM}message_type") != "LtiResourceLinkRequest":
            raise HTTPError(403, "This hub answers to links in a course, and to nothing else.")
        deployment = token.get(f"{CLAIM}deployment_id")
        if deployment not in self.deployments:
            raise HTTPError(403, f"This hub does not know the deployment {deployment!r} of the learning platform.")
        if not isinstance(token.get("sub"), str) or not token["sub"]:
            raise HTTPError(403, "The learning platform does not say who you are: the launch has no claim sub.")

    def _course(self, token: dict) -> str:
        context = (token.get(f"{CLAIM}context") or {}).get("id")
        if context not in self.courses:
            where = f"the context {context!r} of the learning platform"
            raise HTTPError(403, f"This hub has no course for {where}: add it to c.LaunchAuthenticator.courses.")
        return self.courses[context]

    def _write_down(self, course: str, name: str, roles: set[str], token: dict) -> None:
        """Leave what the grader needs. Who cannot be written down can work all the same: his mark will be asked for."""
        if not self.launches:
            return
        folder, services = Path(self.launches) / course, token.get(SERVICES) or {}
        lab = (token.get(f"{CLAIM}custom") or {}).get("lab")
        try:
            if "Learner" in roles:
                launches.keep_learner(folder, name, self._learner(token, services))
            else:
                launches.forget_learner(folder, name)
            if isinstance(lab, str) and LAB.fullmatch(lab) and services.get("lineitems") and services.get("lineitem"):
                link = launches.Link(lab=lab, lineitems=services["lineitems"], lineitem=services["lineitem"])
                launches.keep_link(folder, link)
        except (OSError, ValueError) as error:
            self.log.error("What %s needs for marks cannot be written into %s: %s", name, folder, error)

    def _learner(self, token: dict, services: dict) -> launches.Learner:
        said = {"first_name": "given_name", "last_name": "family_name", "email": "email"} if self.names else {}
        facts = {ours: token.get(theirs) for ours, theirs in said.items()}
        return launches.Learner(lms_user_id=token["sub"], lineitems=services.get("lineitems"), **facts)


def context_roles(roles: Iterable[object]) -> set[str]:
    """The principal roles, such as ``Learner``, that somebody has in the course itself.

    A sub-role counts as its principal role: a teaching assistant is ``membership/Instructor#TeachingAssistant``, and
    ``membership/Learner#Instructor`` a learner.
    """
    found = (ROLE.fullmatch(role) for role in roles if isinstance(role, str))
    return {match[1] or match[2] for match in found if match}


def username(value: str) -> str:
    """A name for the hub, unique as ``value`` is, of no local account, and good for Linux, nbgrader and Kubernetes.

    Up to 24 small letters, digits, ``-`` and ``_`` stand as they are; of anything else, such as Canvas's UUIDs, there
    are 28 digits of its SHA-256. The lengths differ, so that no value can be made to look like another's digest.
    """
    plain = PLAIN.fullmatch(value)
    return f"lti-{value if plain else hashlib.sha256(value.encode()).hexdigest()[:DIGITS]}"


def _groups(roles: Iterable[str], course: str) -> set[str]:
    return {GROUPS[role].format(course) for role in roles}
