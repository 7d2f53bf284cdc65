"""A PostgreSQL server for tests: Debian's package ``postgresql``, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path


class Server:
    """A PostgreSQL server on a socket, and by a password on ``port`` of loopback. It refuses to run as root."""

    def __init__(self, port: int = 0):
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.port, self.password = port, secrets.token_hex(16)
        (self.folder / "password").write_text(self.password)
        if os.getuid() == 0:
            shutil.chown(self.folder, self.user)
            shutil.chown(self.folder / "password", self.user)
        how = ["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password"]
        self._run("initdb", "-D", "data", "-U", "grader", "-N", *how)
        self.start()

    def start(self) -> None:
        where = f"-c listen_addresses=127.0.0.1 -p {self.port}" if self.port else "-c listen_addresses=''"
        options = f"{where} -c fsync=off -k {self.folder}"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def database(self, name: str) -> str:
        """The address of a new, empty database: by the port if there is one, else by the socket."""
        port = str(self.port or 5432)
        self._run("createdb", "-h", str(self.folder), "-p", port, "-U", "grader", name)
        if self.port:
            return f"postgresql+pg8000://grader:{self.password}@127.0.0.1:{port}/{name}"
        return f"postgresql+pg8000://grader@/{name}?unix_sock={self.folder}/.s.PGSQL.{port}"

    def _run(self, program: str, *arguments: str) -> None:
        path = shutil.which(program) or str(max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}")))
        account = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid} if os.getuid() == 0 else {}
        subprocess.run([path, *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, **account)
