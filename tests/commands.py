"""nbgrader's commands, as many as a class gives, in processes of their own that need not import nbgrader each time.

Run as a program, it reads a line of JSON for each command: ``{"environment": ..., "folder": ..., "words": [...]}``,
runs it in a fork of itself with that environment and no other, and answers with a line: ``[exit code, output]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path


class Commands:
    """Give commands to the program."""

    def __enter__(self) -> Commands:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def try_(self, *words: str, environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
        """The exit code and the output of ``nbgrader WORDS``."""
        asked = {"environment": dict(environment), "folder": str(folder), "words": words}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))

    def run(self, *words: str, environment: Mapping[str, str], folder: Path) -> str:
        """The output of ``nbgrader WORDS``, which must succeed."""
        code, said = self.try_(*words, environment=environment, folder=folder)
        assert code == 0, said
        return said


def main() -> None:
    from nbgrader.apps.nbgraderapp import NbGraderApp

    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if child == 0:
                _become(output.fileno(), **asked)
                NbGraderApp.launch_instance(asked["words"])
                os._exit(0)
            _, status = os.waitpid(child, 0)
            output.seek(0)
            print(json.dumps([os.waitstatus_to_exitcode(status), output.read()]), flush=True)


def _become(output: int, environment: dict[str, str], folder: str, words: list[str]) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    os.chdir(folder)


if __name__ == "__main__":
    main()
