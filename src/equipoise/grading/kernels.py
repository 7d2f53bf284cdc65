"""Jupyter's way to a sandboxed kernel: a kernel provisioner, chosen by the kernelspec ``equipoise-marking``.

Whatever starts a kernel through jupyter_client gets a sandboxed one with this kernelspec: the marking engine, and
nbgrader's own ``Execute`` if a course prefers it (``c.Execute.kernel_name = "equipoise-marking"``).
"""

from __future__ import annotations

import atexit
import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase

from equipoise.grading.sandbox import ENVIRONMENT, Launched, Limits, Nursery, Sandbox, launch

KERNEL_NAME = "equipoise-marking"
CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
DEFAULT = Limits()
LEAST = ("IPython", "numpy", "pandas")


@cache
def resident(kind: Sandbox = Sandbox.BUBBLEWRAP, limits: Limits = DEFAULT, modules: tuple[str, ...] = LEAST) -> Nursery:
    """The nursery of this process for one lab, started when it is first needed, ended with the process.

    Raises SandboxError.
    """
    nursery = Nursery(kind, limits, modules)
    nursery.start()
    atexit.register(nursery.close)
    return nursery


class SandboxProvisioner(KernelProvisionerBase):
    """Starts kernels in the sandbox, and ends them with all that they started."""

    launched: Launched | None = None

    @property
    def has_process(self) -> bool:
        return self.launched is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Sockets are files here: a sandboxed kernel has no network."""
        manager = self.parent
        if manager.transport != "ipc":
            manager.transport, manager.ip = "ipc", f"{manager.connection_file or manager.runtime_dir}-{self.kernel_id}"
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(
        self,
        cmd: list[str],
        *,
        address: str | None = None,
        files: Mapping[str, bytes] | None = None,
        line: int | None = None,
        cwd: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Fork the kernel. ``files`` are its folder; without them, what lies in ``cwd`` beside the notebook."""
        manager = self.parent
        address = address or resident().address
        files = beside(cwd) if files is None else files
        listening = {name: _listening(f"{manager.ip}-{getattr(manager, name + '_port')}") for name in CHANNELS}
        passed = {name: listening[name].fileno() for name in ("shell", "iopub")}
        alone = socket.socketpair() if line is None else ()
        passed["line"] = alone[0].fileno() if line is None else line
        spec = {"role": "student", "key": manager.session.key.decode(), "environment": ENVIRONMENT}
        self.launched = launch(address, spec, files, passed)
        for end in (*alone, *(listening[name] for name in ("shell", "iopub"))):
            end.close()
        self.unanswered = [listening[name] for name in ("stdin", "hb", "control")]
        return self.connection_info

    async def poll(self) -> int | None:
        report = self.launched.poll() if self.launched else None
        return None if self.launched and report is None else (report or {}).get("code") or 1

    async def wait(self) -> int | None:
        while self.launched and self.launched.wait(0.05) is None:
            continue
        return 0

    async def send_signal(self, signum: int) -> None:
        if self.launched and signum == 2:
            self.launched.interrupt()
        elif self.launched and signum:
            self.launched.kill()

    async def kill(self, restart: bool = False) -> None:
        if self.launched:
            self.launched.kill()

    terminate = kill

    async def cleanup(self, restart: bool = False) -> None:
        if self.launched:
            self.launched.close()
            for end in self.unanswered:
                end.close()
            self.launched = None


def _listening(path: str) -> socket.socket:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.bind(path)
    end.listen(8)
    return end


def beside(folder: str | None) -> dict[str, bytes]:
    """The plain files in a folder that are no notebooks: those may hold hidden tests."""
    found = {}
    for place, _, names in os.walk(folder) if folder else ():
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found
