"""Files as the engine needs them: written whole or not at all, and known by their content.

This imports nothing but the standard library, so that finding out that nothing changed costs next to nothing.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: str | bytes, private: bool = False) -> None:
    """Write a file so that nobody, not even another process that writes it too, ever sees half of it.

    A private one can be read by the owner of its folder only, also if root writes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(data)
        if private and os.geteuid() == 0:
            os.fchown(draft.fileno(), path.parent.stat().st_uid, path.parent.stat().st_gid)
        os.fchmod(draft.fileno(), 0o600 if private else 0o644)
    Path(draft.name).replace(path)


def fingerprint(*folders: Path) -> str:
    """A hash of every file below ``folders``: changes when, and only when, their content does."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
