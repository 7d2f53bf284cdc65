"""Where students' code runs: out of reach of everything that is worth reaching.

Two sandboxes, one of which must be chosen; if it cannot be built, marking does not start.

bubblewrap  its own view of files, processes and network: nothing is there but the system's libraries, read-only
landlock    the weaker one, for containers without user namespaces: files are refused rather than absent

Either way kernels are forked from one process that has imported a lab's libraries (``inside/zygote.py``), and give
up what they can before student code runs (``inside/lockdown.py``).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
PACKAGE = INSIDE.parents[1]
PACKAGE_INSIDE = "/opt/equipoise"  # where the sandbox sees the package; students' kernels see an empty folder
START_SECONDS, END_SECONDS = 120, 5
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "ssl/openssl.cnf")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
ENVIRONMENT = ONE_THREAD | {
    "LANG": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "NBGRADER_EXECUTION": "autograde",
}


class Sandbox(StrEnum):
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"


NEEDS = {
    Sandbox.BUBBLEWRAP: (
        "It needs root, or unprivileged user namespaces, which containers often forbid; the weaker sandbox is chosen"
        " with c.Equipoise.sandbox = 'landlock' in nbgrader_config.py"
    ),
    Sandbox.LANDLOCK: "It needs Linux 5.13 or later with Landlock switched on, and libseccomp2",
}


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds are wall time, bytes are bytes."""

    cell_seconds: int = 60
    notebook_seconds: int = 300
    memory_bytes: int = 2_000_000_000  # of a kernel and all that it starts, beyond the imported libraries
    processes: int = 64
    file_bytes: int = 100_000_000
    disk_bytes: int = 200_000_000
    output_bytes: int = 5_000_000  # of one cell
    kept_bytes: int = 10_000_000  # of all that a notebook puts out, without what is not shown


class SandboxError(Exception):
    """The sandbox cannot be built here; the message says why and what to install."""


@dataclass
class Nursery:
    """The process that kernels are forked from. It may be used from several processes, by its ``address``.

    ``modules`` are imported in advance. Raises SandboxError when it cannot be built.
    """

    kind: Sandbox = Sandbox.BUBBLEWRAP
    limits: Limits = field(default_factory=Limits)
    modules: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="equipoise-")
        self.address = f"{self.folder}/nursery"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Nursery:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it and wait until it has imported everything."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it; kernels can be asked for, and are forked once everything is imported."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, self._log() as log:
            listener.bind(self.address)
            listener.listen(64)
            try:
                self.process = subprocess.Popen(
                    self._command(listener.fileno()),
                    pass_fds=[listener.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment(),
                    cwd="/",
                )
            except FileNotFoundError as error:
                repair = "Install bubblewrap: apt-get install bubblewrap"
                raise SandboxError(f"{error.filename} is not installed. {repair}. Nothing was marked") from None

    def wait(self) -> None:
        """Wait until it has imported everything."""
        try:
            with connect(self.address) as line:
                line.settimeout(START_SECONDS)
                line.send(b"[]")
                hello = json.loads(line.recv(4096) or b"{}")
        except (OSError, ValueError) as error:
            raise SandboxError(self._why(error)) from None
        if hello.get("python") != sys.version:
            raise SandboxError(self._why(f"it runs Python {hello.get('python')}, not {sys.version}"))

    def close(self) -> None:
        """End it and every kernel that came from it."""
        if self.process:
            self.process.terminate()  # it ends its kernels first
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log(self):
        return open(f"{self.folder}/log", "ab")

    def _why(self, error: object) -> str:
        self.process.kill()
        self.process.wait()
        said = Path(self.folder, "log").read_text(errors="replace").strip().splitlines()
        reason = said[-1] if said else error
        return f"The sandbox '{self.kind}' cannot be built here: {reason}. {NEEDS[self.kind]}. Nothing was marked"

    def _command(self, listener: int) -> list[str]:
        inside = f"{PACKAGE_INSIDE}/equipoise/grading/inside" if self.kind is Sandbox.BUBBLEWRAP else str(INSIDE)
        paths = [inside, PACKAGE_INSIDE if self.kind is Sandbox.BUBBLEWRAP else str(PACKAGE.parent)]
        settings = {
            "paths": paths,
            "listener": listener,
            "sandbox": self.kind,
            "limits": asdict(self.limits),
            "modules": list(self.modules),
            "folder": self.folder,
            "package": PACKAGE_INSIDE,
            "readable": list(_readable()),
            "package_files": [str(PACKAGE)],
        }
        program = f"import sys, json; sys.path += {paths!r}; import zygote; zygote.main(json.loads(sys.argv[1]))"
        python = [interpreter(), "-I", "-c", program, json.dumps(settings)]
        return [*_bubblewrap(), *python] if self.kind is Sandbox.BUBBLEWRAP else python

    def _environment(self) -> dict[str, str]:
        home = "/tmp" if self.kind is Sandbox.BUBBLEWRAP else self.folder
        return ENVIRONMENT | {"PATH": os.environ.get("PATH", os.defpath), "HOME": home}


def connect(address: str) -> socket.socket:
    """A connection to a nursery. Raises OSError if there is none."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line


def interpreter() -> str:
    """The running Python by its plain path: started as ``../.venv/bin/python``, it calls itself just that."""
    folder, name = os.path.split(sys.executable)
    return os.path.join(os.path.realpath(folder), name)  # the name stays, since it tells an environment's from its own


def prefixes() -> list[str]:
    """Where this Python and its packages lie, outermost first, none inside another."""
    places = {sys.prefix, sys.base_prefix, sys.exec_prefix, *map(str, _site_packages())}
    real = sorted({os.path.realpath(place) for place in places} | places)
    wanted = [place for place in real if os.path.isdir(place) and not _is_below(place, "/usr")]
    return [place for place in wanted if not any(place != other and _is_below(place, other) for other in wanted)]


def _is_below(place: str, other: str) -> bool:
    return place == other or place.startswith(other.rstrip("/") + "/")


def _site_packages() -> list[Path]:
    named = [*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return [Path(place) for place in dict.fromkeys(named) if Path(place).is_dir()]


def _bubblewrap() -> list[str]:
    """The outer walls. Kernels forked inside build their own, narrower ones."""
    command = ["bwrap", "--die-with-parent", "--new-session", "--cap-add", "ALL"]
    command += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"]
    if os.getuid() != 0:
        command += ["--unshare-user", "--uid", "0", "--gid", "0"]  # as anyone else it could not make namespaces
    command += read_only_system(SETTINGS)
    command += ["--dir", "/opt", "--dir", PACKAGE_INSIDE]
    command += ["--ro-bind", str(PACKAGE), f"{PACKAGE_INSIDE}/equipoise"]
    if (PACKAGE / "course").is_dir():
        command += ["--tmpfs", f"{PACKAGE_INSIDE}/equipoise/course"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--tmpfs", "/tmp", "--dir", "/run"]
    command += ["--ro-bind", "/dev/null", "/dev/zero"]  # no device there: mapped, it is memory that no limit counts
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def read_only_system(settings: Sequence[str]) -> list[str]:
    """For bubblewrap: the system, this Python, its packages but for the course, and ``settings`` of ``/etc``."""
    command = []
    for place in SYSTEM:
        if os.path.islink(place):
            command += ["--symlink", os.readlink(place), place]
        elif os.path.isdir(place):
            command += ["--ro-bind", place, place]
    command += ["--dir", "/etc"]  # open to all, which those that bubblewrap makes by itself are not
    for name in settings:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for place in prefixes():
        for parent in reversed(Path(place).parents[:-1]):
            command += ["--dir", str(parent)]
        command += ["--ro-bind", place, place]
    for place in _site_packages():
        if (place / "equipoise").is_dir():
            command += ["--tmpfs", str(place / "equipoise")]  # the installed package holds the labs' solutions
    return command


def _readable() -> Iterator[str]:
    """For Landlock, which can only allow: each file and folder that a kernel may read."""
    yield from (*SYSTEM, *(f"/etc/{name}" for name in SETTINGS), "/dev/null", "/dev/urandom", "/proc/cpuinfo")
    own = {str(place) for place in _site_packages()}
    for place in prefixes():
        yield from _all_but_packages(Path(place), own)


def _all_but_packages(place: Path, packages: set[str]) -> Iterator[str]:
    """``place``, or its parts where a folder of packages lies below, without this one."""
    if not any(_is_below(package, str(place)) for package in packages):
        yield str(place)
        return
    for part in sorted(place.iterdir()):
        if str(place) in packages and part.name.lower().startswith(("equipoise", "_equipoise")):
            continue
        yield from _all_but_packages(part, packages)


class Launched:
    """One kernel, through the connection that keeps it alive."""

    def __init__(self, line: socket.socket):
        self.line, self.report = line, None
        line.setblocking(False)

    def interrupt(self) -> None:
        self._say(b"interrupt")

    def kill(self) -> None:
        self._say(b"kill")

    def _say(self, order: bytes) -> None:
        if self.poll() is None:
            with contextlib.suppress(OSError):  # it ended meanwhile; the next poll says so
                self.line.send(order)

    def poll(self) -> dict | None:
        """How it ended: {"code", "reason", "peak_bytes", "cpu_seconds"}, or None if it lives."""
        if self.report is None:
            try:
                data = self.line.recv(4096)
            except BlockingIOError:
                return None
            except OSError:
                data = b""
            self.report = json.loads(data) if data else LOST
        return self.report

    def wait(self, seconds: float) -> dict | None:
        """The same, after at most ``seconds``."""
        if self.report is None:
            select.select([self.line], [], [], seconds)
        return self.poll()

    def close(self) -> None:
        self.line.close()


LOST = {"code": None, "reason": "lost", "peak_bytes": 0, "cpu_seconds": 0.0}


def launch(address: str, spec: Mapping, files: Mapping[str, bytes], sockets: Mapping[str, int]) -> Launched:
    """Fork one kernel: ``spec`` says what it is, ``files`` are its folder, ``sockets`` are passed on to it.

    Raises SandboxError if the nursery is gone.
    """
    order = os.memfd_create("order")
    try:
        head = json.dumps({**spec, "files": [(name, len(content)) for name, content in files.items()]}).encode()
        with open(order, "wb", closefd=False) as file:
            file.write(len(head).to_bytes(8, "big") + head)
            file.writelines(files.values())
        os.lseek(order, 0, os.SEEK_SET)
        try:
            line = connect(address)
        except OSError as error:
            raise SandboxError(f"the sandbox is gone ({error.strerror}); run the same command again") from None
        names = ["order", *sockets]
        socket.send_fds(line, [json.dumps(names).encode()], [order, *sockets.values()])
        return Launched(line)
    finally:
        os.close(order)
