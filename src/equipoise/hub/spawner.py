"""Starts each student's server inside walls. It survives a hub that is killed, so that nobody's work is interrupted."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Integer, Unicode

from equipoise.grading.sandbox import interpreter
from equipoise.hub.walls import SHELL, STUDENT, Room

FIRST_TO_END = "500"  # when memory runs out the system ends students' processes before the hub's


class WalledSpawner(LocalProcessSpawner):
    """A server in a room of its own. ``mem_limit`` bounds the data of each of its processes."""

    rooms = Unicode(help="The folder in which each student's files lie").tag(config=True)
    process_limit = Integer(512, help="How many processes and threads a student may have at once").tag(config=True)

    @property
    def room(self) -> Room:
        folder = Path(self.rooms) / self.user.escaped_name
        return Room(folder, "student", self.user.orm_user.id, readable=[STUDENT], processes=self.process_limit)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        return env | student_environment(env, self.room.home) | {"USER": self.room.name}

    def make_preexec_fn(self, name: str):
        limit = self.mem_limit

        def prepare() -> None:
            os.umask(0o077)
            Path("/proc/self/oom_score_adj").write_text(FIRST_TO_END)
            if limit:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

        return prepare

    async def start(self):
        self.room.furnish()
        server = (interpreter(), "-m", "jupyterhub.singleuser")
        self.cmd = self.room.command(*server, dies_with_hub=False)
        return await super().start()

    async def _signal(self, sig: int) -> bool:
        """Signals go to the server, which can end in good order; the last to the room, which ends with all in it."""
        with suppress(psutil.NoSuchProcess, IndexError):
            room = psutil.Process(self.pid)
            if room.name() != "bwrap":  # after a start of the machine the number may be another process's
                return False
            inner = room.children(recursive=True)
            if sig:
                os.kill(inner[0 if sig == signal.SIGKILL else 1].pid, sig)
                return True
        return await super()._signal(sig)

    def move_certs(self, paths: dict) -> dict:
        raise NotImplementedError("internal TLS is not supported by this spawner")


def student_environment(env: dict[str, str], home: str) -> dict[str, str]:
    """What tells a student's server where its home, its programs and its settings are."""
    paths = [str(STUDENT), *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    return SHELL | {
        "HOME": home,
        "PYTHONPATH": os.pathsep.join(paths),
        "JUPYTER_CONFIG_PATH": f"{STUDENT}/jupyter",
    }
