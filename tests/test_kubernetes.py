"""The classroom on Kubernetes, as far as it can be tried without a cluster.

The values are held against the chart's published schema, and the two files' names against each other and the engine.
Then a real hub, of the version that the chart ships and of the current one, runs with what stands in the values, and
the exchange and formgrader run beside it with the commands and the environment that stand in the manifests.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
import yaml
from commands import Commands
from deployed import Hub
from hubs import free_ports, overlay
from support import BIN, ROOT, copy_course

from equipoise import demo
from equipoise.content import load_course
from equipoise.grading.sandbox import interpreter
from equipoise.hub import settings, walls
from equipoise.hub.exchange import ARCHIVE
from equipoise.hub.spawner import student_environment

HERE = ROOT / "grading" / "deploy" / "kubernetes"
SCHEMA = Path(__file__).parent / "charts" / "zero-to-jupyterhub-4.4.0" / "values.schema.yaml"
VALUES = yaml.safe_load((HERE / "values.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((HERE / "classroom.yaml").read_text()))
COURSE = "equipoise"
SERVICES = {"exchange": "equipoise-exchange", COURSE: "equipoise-formgrader"}
IMAGE_COURSE, IMAGE_STATE = "/opt/equipoise/course", "/var/lib/equipoise"


def manifest(kind: str, name: str) -> dict:
    [found] = [each for each in MANIFESTS if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pod(service: str) -> dict:
    return manifest("Deployment", SERVICES[service])["spec"]["template"]


def container(service: str) -> dict:
    [one] = pod(service)["spec"]["containers"]
    return one


def environment(service: str) -> dict[str, str]:
    """What a container is told, without secrets."""
    return {entry["name"]: entry["value"] for entry in container(service)["env"] if "value" in entry}


# ---- the chart ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="chart")
def _chart() -> jsonschema.protocols.Validator:
    schema = yaml.load(SCHEMA.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(_without_required(schema))


def _without_required(schema: object) -> object:
    """What a chart requires, its own values have, into which ours are merged."""
    if not isinstance(schema, dict):
        return schema
    return {key: _without_required(part) for key, part in schema.items() if not _is_required(key, part)}


def _is_required(key: str, part: object) -> bool:
    return key == "required" and isinstance(part, list)


def test_the_chart_takes_the_values(chart):
    assert [f"{error.json_path}: {error.message}" for error in chart.iter_errors(VALUES)] == []


def test_the_chart_takes_what_operators_are_shown(chart):
    """The lines about databases, which are comments, are values too."""
    text = (HERE / "values.yaml").read_text()
    shown = yaml.safe_load(re.sub(r"^  # (?=(db|  type|  url|extraEnv|  PGPASSWORD)\b)", "  ", text, flags=re.M))
    assert shown["hub"]["db"]["type"] == "postgres" and "PGPASSWORD" in shown["hub"]["extraEnv"]
    chart.validate(shown)


def test_a_slip_of_the_pen_is_seen(chart):
    with pytest.raises(jsonschema.ValidationError, match="extraEnvironment"):
        chart.validate(VALUES | {"singleuser": VALUES["singleuser"] | {"extraEnvironment": {}}})


# ---- names that must agree ------------------------------------------------------------------------------------------


def test_rights_are_those_of_the_engine_and_no_wider():
    hub = VALUES["hub"]
    assert [{"name": name, **role} for name, role in hub["loadRoles"].items()] == settings.roles([COURSE])
    assert hub["config"]["Spawner"]["server_token_scopes"] == settings.SERVER_SCOPES
    assert hub["config"]["JupyterHub"]["tornado_settings"] == {"headers": settings.HEADERS}
    groups = hub["config"]["JupyterHub"]["load_groups"]
    assert groups == {f"{part}-{COURSE}": {"users": []} for part in ("formgrade", "nbgrader")}
    assert not {"admin_users", "admin"} & set(str(hub).split())
    assert set(hub["services"]) == {settings.EXCHANGE, COURSE}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_found_and_known_by_the_charts_token(service):
    name = SERVICES[service]
    [port] = manifest("Service", name)["spec"]["ports"]
    assert VALUES["hub"]["services"][service]["url"] == f"http://{name}:{port['port']}"
    assert port["port"] == container(service)["ports"][0]["containerPort"]
    labels = pod(service)["metadata"]["labels"]
    deployment = manifest("Deployment", name)["spec"]
    policy = manifest("NetworkPolicy", name)["spec"]
    for selector in (
        manifest("Service", name)["spec"]["selector"],
        deployment["selector"]["matchLabels"],
        policy["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    [token] = [entry for entry in container(service)["env"] if entry["name"] == "JUPYTERHUB_API_TOKEN"]
    assert token["valueFrom"] == {"secretKeyRef": {"name": "hub", "key": f"hub.services.{service}.apiToken"}}
    told = environment(service)
    assert told["JUPYTERHUB_SERVICE_NAME"] == service
    assert told["JUPYTERHUB_SERVICE_PREFIX"] == f"/services/{service}/"
    assert told["JUPYTERHUB_OAUTH_ACCESS_SCOPES"] == f'["access:services!service={service}"]'
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod(service)["spec"]["volumes"] if v["name"] == "state"]
    assert [manifest("PersistentVolumeClaim", claim)["kind"] for claim in claims] == ["PersistentVolumeClaim"]


@pytest.mark.parametrize("service", SERVICES)
def test_each_pod_is_bounded_and_has_no_rights(service):
    spec, one = pod(service)["spec"], container(service)
    assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert one["securityContext"] == wanted
    assert one["resources"]["requests"] and one["resources"]["limits"]["memory"]


def test_no_secret_is_written_down():
    texts = [(HERE / name).read_text() for name in ("values.yaml", "classroom.yaml")]
    for text in texts:
        assert not re.search(
            r"(?im)(password|secret|token|key): *[^ {\n]", re.sub(r"key: (hub|marks)\b|Token: false", "", text)
        )
        assert not re.search(r"://[^/\s]*:[^/\s@]*@", text)


def test_formgrader_is_told_what_the_engine_tells_it():
    """As on one server, but for what a container has of its own: its sandbox, and its home on the volume."""
    room = Path(IMAGE_STATE) / "class"
    exchange = VALUES["singleuser"]["extraEnv"]["EQUIPOISE_EXCHANGE"]
    wanted = settings.formgrader_environment(COURSE, Path(IMAGE_COURSE), room, exchange)
    wanted = {name: in_image(value) for name, value in wanted.items()}
    own = {name: value for name, value in environment(COURSE).items() if not name.startswith("JUPYTERHUB_")}
    assert own == wanted | {"EQUIPOISE_SANDBOX": "landlock", "HOME": f"{IMAGE_STATE}/home"}
    assert container(COURSE)["command"] == [in_image(word) for word in settings.formgrader_command(room)]
    assert exchange == f"{VALUES['hub']['services']['exchange']['url']}/services/exchange"


def in_image(value: str) -> str:
    value = value.replace(interpreter(), "/opt/equipoise/venv/bin/python")  # by whichever of its names it was started
    value = value.replace(str(settings.PROGRAMS), "/opt/equipoise/venv/bin")
    return value.replace(str(ROOT), IMAGE_COURSE)


def test_students_reach_the_hub_the_exchange_and_names_alone():
    policy = VALUES["singleuser"]["networkPolicy"]
    assert set(policy["egressAllowRules"].values()) == {False}
    [rule] = policy["egress"]
    [peer] = rule["to"]
    assert peer["podSelector"]["matchLabels"].items() <= pod("exchange")["metadata"]["labels"].items()
    assert rule["ports"] == [{"port": 8888, "protocol": "TCP"}]
    ingress = manifest("NetworkPolicy", SERVICES[COURSE])["spec"]["ingress"]
    assert "singleuser-server" not in str(ingress) and "singleuser-server" in str(
        manifest("NetworkPolicy", "equipoise-exchange")
    )


def test_a_students_image_has_nothing_of_the_course():
    file = (HERE / "student" / "Dockerfile").read_text()
    sources = [source for line in re.findall(r"^COPY (.*) \S+$", file, re.M) for source in line.split()]
    seen = str(walls.STUDENT.relative_to(ROOT))
    assert set(sources) == {
        "pyproject.toml",
        "requirements/3.13.txt",
        f"{HERE.relative_to(ROOT)}/student/install",
        seen,
    }
    sent = (HERE / "student" / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in sent and {line[1:] for line in sent if line.startswith("!")} == set(sources)
    told = dict(re.findall(r"(\w+)=(\S+)", file[file.index("ENV ") : file.index("RUN useradd")]))
    wanted = student_environment({}, "/home/jovyan")
    for name in ("PYTHONPATH", "JUPYTER_CONFIG_PATH", "SHELL"):
        assert told[name] == wanted[name].replace(str(walls.STUDENT), "/opt/equipoise/student")


def test_a_students_image_installs_what_labs_need_as_the_lock_says(tmp_path):
    """The script that the image runs, with a pip that only says what it was asked for."""
    pip = tmp_path / "python3"
    pip.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} "$@"\nfor word; do [ -f "$word" ] && cat "$word"; done\n'
    )
    pip.chmod(0o755)
    own = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [HERE / "student" / "install", ROOT / "pyproject.toml", ROOT / "requirements" / "3.13.txt"]
    said = subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"jupyterhub==5.5.0", "shap>=0.51", "jupyterlab>=4.6"} <= set(said)
    assert any(line.startswith("nbgrader>=") for line in said) and any(line.startswith("shap==") for line in said)
    assert not [line for line in said if line.startswith("jupyterhub==") and line != "jupyterhub==5.5.0"]
    assert not [line for line in said if "-e ." in line or line.startswith("equipoise")]


# ---- the classroom --------------------------------------------------------------------------------------------------


class Classroom:
    """A hub with what stands in the values, and the two deployments beside it, each a process."""

    def __init__(self, folder: Path, packages: Path | None):
        self.folder, self.course = folder, copy_course(folder / "course")
        names = ("proxy", "hub", "api", "exchange", COURSE)
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.tokens = {service: secrets.token_hex(32) for service in SERVICES}
        self.processes: dict[str, subprocess.Popen] = {}
        self.config = folder / "hub" / "jupyterhub_config.py"
        self.config.parent.mkdir()
        self.config.write_text(self._config(packages))
        own = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | ({"PYTHONPATH": str(packages)} if packages else {})
        self.hub = Hub(self.config, f"http://127.0.0.1:{self.ports['proxy']}/", own)

    def _config(self, packages: Path | None) -> str:
        """What the chart's own program makes of the values, with this machine's addresses."""
        hub = VALUES["hub"]
        services = [
            {"name": name, **service, "url": self.here(service["url"]), "api_token": self.tokens[name]}
            for name, service in hub["services"].items()
        ]
        lines = [
            f"c.JupyterHub.services = {services!r}",
            f"c.JupyterHub.load_roles = {[{'name': name, **role} for name, role in hub['loadRoles'].items()]!r}",
            *(f"c[{section!r}].update({values!r})" for section, values in hub["config"].items()),
            "c.JupyterHub.authenticator_class = 'null'",
            f"c.JupyterHub.load_groups['formgrade-{COURSE}'] = {{'users': ['grader']}}",
            *hub["extraConfig"].values(),
            f"c.JupyterHub.bind_url = 'http://127.0.0.1:{self.ports['proxy']}'",
            f"c.JupyterHub.hub_bind_url = 'http://127.0.0.1:{self.ports['hub']}'",
            f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{self.ports['api']}'",
            f"c.ConfigurableHTTPProxy.command = [{str(BIN / 'configurable-http-proxy')!r}]",
        ]
        if packages:
            lines += [f"c.JupyterHub.data_files_path = {str(packages / 'share' / 'jupyterhub')!r}"]
        return "\n".join(lines)

    def here(self, value: str) -> str:
        """A name or place of the cluster on this machine."""
        for name, place in {
            "http://hub:8081": f"http://127.0.0.1:{self.ports['hub']}",
            **{f"http://{name}:8888": f"http://127.0.0.1:{self.ports[service]}" for service, name in SERVICES.items()},
            "/opt/equipoise/venv/bin": str(settings.PROGRAMS),
            f"{IMAGE_COURSE}/src": str(Path(settings.__file__).parents[2]),
            IMAGE_COURSE: str(self.course),
            IMAGE_STATE: str(self.folder / "volume"),
        }.items():
            value = value.replace(name, place)
        return value

    def start(self, service: str) -> None:
        """Start a deployment's container."""
        own = {name: self.here(value) for name, value in environment(service).items()}
        own |= {"JUPYTERHUB_API_TOKEN": self.tokens[service]}
        own["JUPYTERHUB_SERVICE_URL"] = f"http://127.0.0.1:{self.ports[service]}"
        for place in (own.get("HOME"), own.get("EQUIPOISE_CLASS")):
            place and Path(place).mkdir(parents=True, exist_ok=True)
        command = [self.here(word) for word in container(service)["command"]]
        if os.getuid() == 0 and service == COURSE:
            command += ["--allow-root"]  # in a cluster it has an account
        with (self.folder / f"{service}.log").open("ab") as log:
            started = subprocess.Popen(command, cwd=self.folder, env=own, stdout=log, stderr=log)
        self.processes[service] = started

    def kill(self, service: str) -> None:
        self.processes[service].kill()
        self.processes[service].wait()

    @contextmanager
    def running(self) -> Iterator[Hub]:
        try:
            for service in SERVICES:
                self.start(service)
            with self.hub.running() as hub:
                yield hub
        finally:
            for process in self.processes.values():
                process.terminate()
                process.wait()

    def archives(self) -> set[str]:
        folder = self.folder / "volume" / "exchange" / COURSE / "submissions"
        return {path.relative_to(folder).as_posix() for path in folder.rglob(f"*{ARCHIVE}")}

    def write_feedback(self, lab: str, students: str) -> None:
        """Pages by hand, for those whom the engine does not mark here."""
        room = self.folder / "volume" / "class"
        for handed_in in room.glob(f"submitted/{students}/{lab}"):
            page = room / "feedback" / handed_in.parent.name / lab / f"{lab}.html"
            page.parent.mkdir(parents=True)
            page.write_text("well done")
            shutil.copy(handed_in / "timestamp.txt", page.parent)

    def student(self, name: str) -> tuple[Path, Mapping[str, str]]:
        """A student's home and environment."""
        home = self.folder / name
        home.mkdir()
        token = self.hub.person(name, scopes=tuple(settings.SERVER_SCOPES[-1:]))
        own = {key: self.here(value) for key, value in VALUES["singleuser"]["extraEnv"].items()}
        return home, student_environment({}, str(home)) | own | {"JUPYTERHUB_API_TOKEN": token}


@pytest.mark.parametrize("version", ["the chart's", "the current"])
def test_a_class_beside_a_hub_and_an_exchange_that_is_killed(version, tmp_path):
    packages = overlay(tmp_path / "before") if version == "the chart's" else None
    room = Classroom(tmp_path, packages)
    lab = next(iter(load_course(room.course).labs.values()))
    with room.running() as hub, Commands() as commands:
        grader = hub.person("grader")
        formgrader = f"services/{COURSE}/formgrader/api"
        hub.until(lambda: hub.api("GET", f"{formgrader}/status", grader).is_success)
        assert hub.api("GET", "hub/api/").json()["version"].startswith("5.5" if packages else "6.")
        ada, ben, stranger = (room.student(name) for name in ("ada", "ben", "eve"))

        def press(button: str) -> None:
            answer = hub.api("POST", f"{formgrader}/{button}", grader)
            assert answer.is_success and answer.json()["success"], answer.text

        def nbgrader(who: tuple[Path, Mapping[str, str]], *words: str) -> tuple[int, str]:
            return commands.try_(*words, lab.slug, "--course", COURSE, environment=who[1], folder=who[0])

        press(f"assignment/{lab.slug}/assign")
        press(f"assignment/{lab.slug}/release")
        roster = {"students": ["ada", "ben"]}
        assert hub.api("PUT", f"services/exchange/{COURSE}/roster", grader, json=roster).is_success
        for home, own in (ada, ben):
            assert nbgrader((home, own), "fetch_assignment")[0] == 0
            work = home / COURSE / lab.slug / f"{lab.slug}.ipynb"
            work.write_text(demo.examples(lab)["perfect"], encoding="utf-8")
        assert nbgrader(ada, "submit")[0] == 0

        # who may not
        token = stranger[1]["JUPYTERHUB_API_TOKEN"]
        assert nbgrader(stranger, "fetch_assignment")[0] != 0
        assert hub.api("GET", f"services/exchange/{COURSE}/submissions", token).status_code == 403
        assert hub.api("GET", f"{formgrader}/status", ada[1]["JUPYTERHUB_API_TOKEN"]).status_code == 403
        a_way_to_another_course(room, hub, lab.slug, grader)

        # the exchange is killed, and somebody hands in while it is away
        before = room.archives()
        room.kill("exchange")
        answers: list[tuple[int, str]] = []
        waiting = threading.Thread(target=lambda: answers.append(nbgrader(ben, "submit")))
        waiting.start()
        room.start("exchange")
        waiting.join()
        assert answers[0][0] == 0, answers[0][1]
        assert len(before) == 1 and before < room.archives() and len(room.archives()) == 2

        press(f"assignment/{lab.slug}/collect")
        if packages:
            press(f"submission/{lab.slug}/ada/autograde")
            press(f"assignment/{lab.slug}/generate_feedback")
        room.write_feedback(lab.slug, "ben" if packages else "*")
        press(f"assignment/{lab.slug}/release_feedback")
        room.kill("exchange")
        room.start("exchange")
        for home, own in (ada, ben):
            assert nbgrader((home, own), "fetch_feedback")[0] == 0
            assert list((home / COURSE / lab.slug).glob(f"feedback/*/{lab.slug}.html"))


def a_way_to_another_course(room: Classroom, hub: Hub, lab: str, grader: str) -> None:
    """Names in a path are decoded, and stay names."""
    root = room.folder / "volume" / "exchange"
    theirs = root / "other" / "submissions" / lab / "eve" / "2026-01-01T00:00:00.000000Z.tar.gz"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"another course's")
    name = f"ada/../../../../other/submissions/{lab}/eve".replace("/", "%2F")
    where = f"http://127.0.0.1:{room.ports['exchange']}/services/exchange/{COURSE}/submissions/{lab}/{name}"
    answer = hub.api("GET", f"{where}/2026-01-01T00:00:00.000000Z", grader)
    assert answer.status_code == 404 and b"another" not in answer.content
    shutil.rmtree(root / "other")
