"""Walls around each server on one machine: it sees its own files and processes, and else only what it may read.

Servers of a hub without Unix accounts would all run as one account, and any of them could read the others' files, the
hub's secrets and the labs' solutions. bubblewrap gives each a view of its own, in which those do not exist. A hub
that runs as root gives each server a user id of its own besides. The network is shared, as on any machine with
several users: servers ask for a token, and kernels talk through sockets in their own home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from equipoise.grading.sandbox import SETTINGS, interpreter, read_only_system

PROGRAMS = Path(interpreter()).parent
SHELL = {"SHELL": "/bin/bash", "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin"}  # in every room
STUDENT = Path(__file__).parent / "student"  # the one part of Equipoise that students' servers see
NETWORK = ("hosts", "nsswitch.conf", "resolv.conf", "ssl", "ca-certificates", "mime.types", "services")
SETTINGS_SEEN = (*(name for name in SETTINGS if not name.startswith("ssl/")), *NETWORK)
UID = 1000  # inside, for a hub that is not root
MOST_IN_MEMORY = 256_000_000  # bytes of files in memory, in each of two places
SAYS_IN = ("/bin/sh", "-c", 'exec "$@" >>"$0" 2>&1 </dev/null')
FIRST_UID = 1_600_000_000  # outside and inside, for one that is: far from any account's
CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
# bubblewrap hides parts of /proc when root starts it, and then no sandbox for marking could be built inside.
DROP = 'mount -t proc proc /proc && exec setpriv --reuid "$0" --regid "$0" --clear-groups --bounding-set=-all "$@"'


class WallsError(Exception):
    """No walls can be built on this machine; the message says why and what to do."""


@dataclass(frozen=True)
class Room:
    """What one server sees beside the system. ``number`` tells it from others, ``name`` is its account's inside."""

    folder: Path  # outside; holds its home and what it is told about its account
    name: str
    number: int
    readable: Sequence[Path] = ()
    hidden: Sequence[Path] = ()  # parts of what is readable
    writable: Sequence[Path] = ()
    processes: int = 0  # and threads that it may have at once; 0: as many as the hub's account

    @property
    def home(self) -> str:
        """Where it finds its home."""
        return f"/home/{self.name}"

    @property
    def log(self) -> Path:
        """What is said in the room: not in the hub's own log, which could be read, and filled, from inside."""
        return self.folder / "log"

    def furnish(self) -> None:
        """Make its folders, and give them to its user id."""
        home = self.folder / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        uid = self._uid()
        etc = self.folder / "etc"
        for name in SETTINGS_SEEN:
            _furnish_setting(Path("/etc") / name, etc / name)
        (etc / "passwd").write_text(f"root:x:0:0::/:/bin/false\n{self.name}:x:{uid}:{uid}::{self.home}:/bin/bash\n")
        (etc / "group").write_text(f"root:x:0:\n{self.name}:x:{uid}:\n")
        self.log.touch(mode=0o600)
        if os.getuid() == 0:
            for place in (home, etc, *self.writable):
                _give(place, uid)

    def command(self, *program: str, dies_with_hub: bool) -> list[str]:
        """How to run ``program`` in the room."""
        command = ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--new-session"]
        command += ["--die-with-parent"] if dies_with_hub else []
        command += [*read_only_system(()), "--ro-bind", f"{self.folder}/etc", "/etc"]
        for place in filter(Path.is_dir, (Path("/etc") / name for name in SETTINGS_SEEN)):
            command += ["--ro-bind", str(place), str(place)]
        command += ["--dev", "/dev"]
        for place in ("/dev/shm", "/tmp"):
            command += ["--perms", "1777", "--size", str(MOST_IN_MEMORY), "--tmpfs", place]
        for place in (*_libraries(), *self.readable):
            command += [*_parents(place), "--ro-bind", str(place), str(place)]
        for place in filter(Path.is_dir, self.hidden):
            command += ["--tmpfs", str(place)]
        for place in self.writable:
            command += [*_parents(place), "--bind", str(place), str(place)]
        command += ["--dir", "/home", "--bind", f"{self.folder}/home", self.home, "--chdir", self.home]
        command += [*self._view(), "--remount-ro", "/dev", "--remount-ro", "/"]
        return [*SAYS_IN, str(self.log), *command, *self._drop(), *self._bounds(), *program]

    def _bounds(self) -> list[str]:
        """Set inside, where the system counts the processes of this room alone: for its user id, or its namespace."""
        return ["prlimit", f"--nproc={self.processes}:{self.processes}"] if self.processes else []

    def _uid(self) -> int:
        return FIRST_UID + self.number if os.getuid() == 0 else UID

    def _view(self) -> list[str]:
        """What makes the room's user, and its view of processes, as far as bubblewrap does it."""
        uid = str(self._uid())
        if os.getuid() != 0:
            return ["--proc", "/proc", "--unshare-user", "--uid", uid, "--gid", uid]
        return [*(word for capability in CAPABILITIES for word in ("--cap-add", capability)), "--dir", "/proc"]

    def _drop(self) -> list[str]:
        return ["/bin/sh", "-c", DROP, str(self._uid())] if os.getuid() == 0 else []


def check() -> None:
    """Raise WallsError unless a room can be built here."""
    if not shutil.which("bwrap"):
        raise WallsError("bubblewrap is not installed. Install it: apt-get install bubblewrap")

    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        room = Room(Path(folder), "student", 0)
        room.furnish()
        command = room.command(interpreter(), "-c", "import jupyterhub.singleuser", dies_with_hub=True)
        tried = subprocess.run(command, check=False)
        log = room.log.read_text(errors="replace")
    if tried.returncode:
        said = (log.strip().splitlines() or ["it does not say why"])[-1]
        raise WallsError(
            f"No walls can be built around students' servers here: {said}. They need root, or user namespaces for"
            " ordinary users, which containers often forbid"
        )


def _furnish_setting(original: Path, place: Path) -> None:
    """A copy of a file: one that is replaced outside while a room is open could not be seen in a sandbox inside it."""
    if original.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    elif original.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, place)


def _libraries() -> list[Path]:
    """Folders of packages that the hub itself was given by name, but for the course's own."""
    named = [Path(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    return [place for place in named if place.is_dir() and not (place / "equipoise").exists()]


def _parents(place: Path) -> list[str]:
    return [word for parent in reversed(place.parents[:-1]) for word in ("--dir", str(parent))]


def _give(place: Path, uid: int) -> None:
    """Make ``uid`` the owner of a folder and all in it; the folder last, so that it tells whether all was done.

    Entries are named in folders that are open, so that no link put in the way leads elsewhere.
    """
    if place.stat().st_uid == uid:
        return
    for _, folders, files, opened in os.fwalk(place):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=opened, follow_symlinks=False)
    os.chown(place, uid, uid)
