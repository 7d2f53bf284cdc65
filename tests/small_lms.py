"""A small learning platform on the loopback interface: the platform's side of LTI 1.3 and of its grade service.

It does what Moodle and Canvas do in a launch (OpenID Connect's third-party login, an answer by posted form) and checks
what they check. Its columns and scores have Moodle's habits: addresses with a query, pages, whole rejection of a score
that is not newer than the one it has. Tests may ask it to misbehave.

By hand: ``python tests/small_lms.py http://127.0.0.1:8000`` shows a page with links into the hub at that address.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
from bs4 import BeautifulSoup
from cryptography.hazmat.primitives.asymmetric import rsa

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
SCOPES = "https://purl.imsglobal.org/spec/lti-ags/scope/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}#Learner", f"{MEMBERSHIP}#Instructor"
ASSISTANT = f"{MEMBERSHIP}/Instructor#TeachingAssistant"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PAGE = 2  # columns on a page


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Platform:
    """What the platform holds, how it misbehaves, and what it was told."""

    tool: str = ""  # the address of the hub, such as http://127.0.0.1:8000
    address: str = ""
    client_id: str = "tool-7"
    deployment: str = "1"
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    signs_with: rsa.RSAPrivateKey | None = None  # instead of the key that it publishes
    people: dict[str, dict] = field(default_factory=dict)  # claims by sub
    spoil: Callable[[dict], dict] = lambda claims: claims  # what becomes of a launch before it is signed
    tool_keys: dict = field(default_factory=lambda: {"keys": []})  # as the operator registered them
    columns: dict[str, dict] = field(default_factory=dict)  # line items by number
    results: dict[str, dict[str, dict]] = field(default_factory=dict)  # the latest score by column and user
    members: set[str] | None = None  # who can have scores; None: everybody
    may: set[str] = field(default_factory=lambda: {"lineitem", "score", "result.readonly"})
    troubles: list[int | str] = field(default_factory=list)  # of the next answers: a status, drop, forget, hang, or 0
    tokens: dict[str, set[str]] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)  # method and path of every request to a service
    assertions: set[str] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)

    # ---- launches

    @property
    def lineitems(self) -> str:
        return f"{self.address}/lineitems?type_id=3"

    def begin(self, sub: str, context: str = "bioethics", roles: list[str] | None = None, **custom: str) -> str:
        """The address to which a click on a link in a course leads."""
        hint = json.dumps({"context": context, "roles": roles or [LEARNER], "custom": custom})
        query = {"iss": self.address, "login_hint": sub, "client_id": self.client_id, "lti_message_hint": hint}
        query |= {"target_link_uri": f"{self.tool}/hub/home", "lti_deployment_id": self.deployment}
        return f"{self.tool}/hub/lti13/oauth_login?{urlencode(query)}"

    def answer(self, asked: dict[str, str]) -> str:
        """A page with the form that the browser posts to the tool. Raises AssertionError if the request is wrong."""
        constant = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}
        assert {name: asked.get(name) for name in constant} == constant
        assert asked["client_id"] == self.client_id
        assert asked["redirect_uri"] == f"{self.tool}/hub/lti13/oauth_callback"
        assert len(asked["nonce"]) > 30 and len(asked["state"]) > 30
        form = {"state": asked["state"], "id_token": self.id_token(asked)}
        fields = "".join(f'<input type="hidden" name="{name}" value="{escape(form[name])}">' for name in form)
        button = "<button>Go on to the lab</button>"  # others press it by a script
        return f'<form method="post" action="{escape(asked["redirect_uri"])}">{fields}{button}</form>'

    def id_token(self, asked: dict[str, str]) -> str:
        sub, hint, now = asked["login_hint"], json.loads(asked["lti_message_hint"]), int(time.time())
        claims = {"iss": self.address, "aud": self.client_id, "sub": sub, "nonce": asked["nonce"]}
        claims |= {"iat": now, "exp": now + 300} | self.people.get(sub, {})
        claims |= {
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}deployment_id": self.deployment,
            f"{CLAIM}target_link_uri": f"{self.tool}/hub/home",
            f"{CLAIM}resource_link": {"id": f"link-{hint['context']}"},
            f"{CLAIM}context": {"id": hint["context"], "label": "B101", "title": "Bioethics"},
            f"{CLAIM}roles": hint["roles"],
            f"{CLAIM}custom": hint["custom"],
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": self.services(hint["custom"].get("lab")),
        }
        key = self.signs_with or self.key
        return jwt.encode(self.spoil(claims), key, algorithm="RS256", headers={"kid": "platform"})

    def services(self, lab: str | None) -> dict:
        """The claim that says where grades go. A link to a lab has a column of its own."""
        own = next((self.item(number) for number, item in self.columns.items() if item.get("of_link") == lab), None)
        found = {"scope": [f"{SCOPES}{name}" for name in sorted(self.may)], "lineitems": self.lineitems}
        return found | ({"lineitem": own["id"]} if lab and own else {})

    def front_page(self) -> str:
        """A course with a link for each role."""
        roles = {"learner": ("101", LEARNER), "assistant": ("102", ASSISTANT), "instructor": ("103", INSTRUCTOR)}
        links = {name: self.begin(sub, roles=[role]) for name, (sub, role) in roles.items()}
        items = "".join(f'<li><a href="{escape(links[name])}">Open the labs as {name}</a></li>' for name in links)
        return f"<!DOCTYPE html><title>Bioethics</title><h1>Bioethics</h1><ul>{items}</ul>"

    # ---- grades

    def item(self, number: str) -> dict:
        shown = {name: value for name, value in self.columns[number].items() if name != "of_link"}
        return {"id": f"{self.address}/lineitems/{number}/lineitem?type_id=3", **shown}

    def add_column(self, **item: object) -> str:
        number = str(len(self.columns) + 11)
        self.columns[number], self.results[number] = item, {}
        return number

    def token(self, asked: dict[str, str]) -> dict:
        """Who proves by a signed assertion to be the tool gets a token for the scopes that are his."""
        assert asked["grant_type"] == "client_credentials" and asked["client_assertion_type"] == JWT_BEARER
        assertion = asked["client_assertion"]
        kid = jwt.get_unverified_header(assertion)["kid"]
        key = next(jwt.PyJWK(key).key for key in self.tool_keys["keys"] if key["kid"] == kid)
        needed = {"require": ["iss", "sub", "aud", "iat", "exp", "jti"]}
        claims = jwt.decode(assertion, key, ["RS256"], audience=f"{self.address}/token", options=needed)
        assert claims["iss"] == claims["sub"] == self.client_id and claims["jti"] not in self.assertions
        self.assertions.add(claims["jti"])
        granted = {scope for scope in asked["scope"].split() if scope.removeprefix(SCOPES) in self.may}
        token = uuid.uuid4().hex
        self.tokens[token] = granted
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(granted)}

    def take(self, number: str, score: dict) -> int:
        """The status for a score, which is kept if it is well."""
        when = datetime.fromisoformat(score["timestamp"])
        if score["scoreGiven"] < 0 or score["scoreMaximum"] <= 0 or when.tzinfo is None:
            return 400
        if self.members is not None and score["userId"] not in self.members:
            return 400
        before = self.results[number].get(score["userId"])
        if before and datetime.fromisoformat(before["timestamp"]) >= when:
            return 409
        self.results[number][score["userId"]] = score
        return 200

    def shown(self, number: str) -> list[dict]:
        """Results as Moodle has them: scaled to the column, a mark of 0 without a score, ids that may be numbers."""
        worth = self.columns[number]["scoreMaximum"]
        scaled = {user: s["scoreGiven"] * worth / s["scoreMaximum"] for user, s in self.results[number].items()}
        return [
            {"id": f"{number}/{user}", "userId": int(user)} | ({"resultScore": s, "resultMaximum": worth} if s else {})
            for user, s in scaled.items()
        ]


@contextmanager
def serving(platform: Platform, port: int = 0) -> Iterator[Platform]:
    """Serve the platform; its address is known from then on."""
    with ThreadingHTTPServer(("127.0.0.1", port), _handler(platform)) as server:
        platform.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield platform
        platform.closing.set()
        server.shutdown()
        thread.join()


def _handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.respond(b"")

        def do_POST(self):
            self.respond(self.rfile.read(int(self.headers["Content-Length"])))

        def respond(self, body: bytes):
            address = urlsplit(self.path)
            form = parse_qs(body.decode()) if self.command == "POST" and "lineitems" not in self.path else {}
            asked = {name: value for name, [value] in (parse_qs(address.query) | form).items()}
            if address.path == "/jwks":
                key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(platform.key.public_key()))
                return self.send(200, {"keys": [key | {"kid": "platform", "alg": "RS256", "use": "sig"}]})
            try:
                if address.path == "/":
                    return self.send(200, platform.front_page())
                if address.path == "/auth":
                    return self.send(200, platform.answer(asked))
                return self.service(address.path, asked, body)
            except (AssertionError, LookupError, StopIteration, jwt.PyJWTError) as error:
                return self.send(400, {"error": repr(error)})

        def service(self, path: str, asked: dict[str, str], body: bytes):
            platform.told.append((self.command, path))
            trouble = platform.troubles.pop(0) if platform.troubles else None
            if isinstance(trouble, int) and trouble:
                return self.send(trouble, {"error": "trouble"})
            if trouble == "drop":  # nothing is done, and nothing answered
                return self.hang_up()
            if trouble == "hang":
                platform.closing.wait()
                return self.hang_up()
            status, answer, next_page = self.answered(path, asked, body)
            if trouble == "forget":  # it is done, but nobody hears of it
                return self.hang_up()
            return self.send(status, answer, next_page)

        def answered(self, path: str, asked: dict[str, str], body: bytes) -> tuple[int, object, str | None]:
            if path == "/token":
                return 200, platform.token(asked), None
            assert asked["type_id"] == "3"
            kind = {"scores": "score", "results": "result.readonly"}.get(path.split("/")[-1], "lineitem")
            granted = platform.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "), set())
            if f"{SCOPES}{kind}" not in granted and not (self.command == "GET" and kind == "lineitem" and granted):
                return 401 if not granted else 403, {}, None
            match path.strip("/").split("/"):
                case ["lineitems"] if self.command == "POST":
                    return 201, platform.item(platform.add_column(**json.loads(body))), None
                case ["lineitems"]:
                    first = int(asked.get("from", 0))
                    numbers = list(platform.columns)[first : first + PAGE]
                    more = f"{platform.lineitems}&from={first + PAGE}" if first + PAGE < len(platform.columns) else None
                    return 200, [platform.item(number) for number in numbers], more
                case ["lineitems", number, "lineitem"]:
                    return 200, platform.item(number), None
                case ["lineitems", number, "lineitem", "scores"] if self.command == "POST":
                    assert self.headers["Content-Type"] == "application/vnd.ims.lis.v1.score+json"
                    return platform.take(number, json.loads(body)), None, None
                case ["lineitems", number, "lineitem", "results"]:
                    return 200, platform.shown(number), None
            return 404, {}, None

        def hang_up(self):
            self.close_connection = True

        def send(self, status: int, body: object, next_page: str | None = None):
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            if next_page:
                self.send_header("Link", f'<{next_page}>; rel="next"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    return Handler


def client(**options) -> httpx.Client:
    """One that holds no connection open, so that nobody has to close it."""
    return httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0), **options)


@dataclass
class Browser:
    """As much of a browser as a launch needs: it keeps cookies, follows a redirection, posts a form."""

    client: httpx.Client = field(default_factory=client)

    def form(self, beginning: str) -> tuple[str, dict[str, str]]:
        """Go from a link in a course to the platform's answer: where to post what."""
        asked = self.client.get(beginning)
        assert asked.status_code == 302, asked.text
        page = self.client.get(asked.headers["Location"])
        assert page.status_code == 200, page.text
        form = BeautifulSoup(page.text, "html.parser").form
        return form["action"], {field["name"]: field["value"] for field in form.find_all("input")}

    def launch(self, beginning: str) -> httpx.Response:
        """The tool's answer to the whole launch."""
        action, fields = self.form(beginning)
        return self.client.post(action, data=fields)


def main(tool: str, port: str = "8100") -> None:
    """Serve until Ctrl-C, and say what the hub has to know."""
    with serving(Platform(tool=tool.rstrip("/")), int(port)) as platform:
        said = {"issuer": platform.address, "client_id": {platform.client_id}, "deployments": {platform.deployment}}
        said |= {"authorize_url": f"{platform.address}/auth", "jwks_endpoint": f"{platform.address}/jwks"}
        for name, value in (said | {"courses": {"bioethics": "equipoise"}}).items():
            print(f"c.LaunchAuthenticator.{name} = {value!r}")
        print(f"The course: {platform.address}/", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
