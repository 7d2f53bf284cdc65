"""What a server in a room sees and can do; each thing is tried, by Python inside the walls."""

from __future__ import annotations

import os
import subprocess

import pytest

from equipoise.hub import walls
from equipoise.hub.walls import MOST_IN_MEMORY, Room


@pytest.fixture(name="room")
def _room(tmp_path) -> Room:
    tmp_path.chmod(0o755)
    (tmp_path / "secret").write_text("of the hub")
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "lab.py").write_text("solution")
    room = Room(tmp_path / "room", "student", 7, readable=[tmp_path / "course"])
    room.furnish()
    return room


def inside(room: Room, code: str) -> str:
    """What Python says of ``code`` in the room, whose ``outside`` is the folder that the room lies in."""
    program = f"outside = {str(room.folder.parent)!r}\n{code}"
    subprocess.run(room.command("/usr/bin/python3", "-c", program, dies_with_hub=True), check=False)
    return room.log.read_text().strip()


def test_it_sees_its_home_and_what_it_may_read_and_nothing_else(room):
    said = inside(room, "import os; print(sorted(os.listdir(outside)), os.listdir('/home'), os.getcwd())")
    assert said == "['course'] ['student'] /home/student"


@pytest.mark.parametrize("place", ["/", "/usr", "/etc", "/home", "/dev", "{outside}/course"])
def test_it_writes_nowhere_but_at_home_and_in_bounded_memory(room, place):
    assert "Error" in inside(room, f"open(f'{place}/x', 'w')") and not list(room.folder.parent.rglob("x"))
    bound = f"open('/home/student/ok', 'w'); open('/tmp/x', 'wb').write(b'0' * {2 * MOST_IN_MEMORY})"
    assert "No space left" in inside(room, bound)
    assert (room.folder / "home" / "ok").exists()


def test_it_cannot_open_again_what_the_hub_has_open(room, tmp_path):
    """Even through walls, a file that a process was given can be opened anew, and this one is for all to read."""
    hub_log = tmp_path / "hub.log"
    hub_log.write_text("said in the hub")
    code = """
for number in (1, 2):
    try:
        print(open(f"/proc/self/fd/{number}").read())
    except PermissionError:
        print("refused")
"""
    with hub_log.open("a") as said:
        subprocess.run(
            room.command("/usr/bin/python3", "-c", code, dies_with_hub=True), stdout=said, stderr=said, check=True
        )
    assert hub_log.read_text() == "said in the hub"
    assert room.log.read_text().strip() and "said in the hub" not in room.log.read_text()


def test_it_has_no_rights_and_sees_only_its_own_processes(room):
    fields = dict(line.split(":\t", 1) for line in inside(room, "print(open('/proc/self/status').read())").splitlines())
    assert int(fields["CapEff"], 16) == 0 and (os.getuid() != 0 or int(fields["CapBnd"], 16) == 0)
    said = inside(room, "import os; print('processes', sum(name.isdigit() for name in os.listdir('/proc')))")
    assert int(said.rsplit(maxsplit=1)[1]) <= 4


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives folders away")
def test_folders_are_given_whole_after_an_interruption_and_links_lead_nowhere(tmp_path, monkeypatch):
    outside, place = tmp_path / "outside", tmp_path / "place"
    (place / "deep").mkdir(parents=True)
    for path in (outside, place / "deep" / "file"):
        path.write_text("x")
    (place / "link").symlink_to(outside)
    chown, calls = os.chown, []

    def killed(*words, **named):
        calls.append(words)
        if len(calls) > 1:
            raise KeyboardInterrupt
        chown(*words, **named)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "chown", killed)
        walls._give(place, 4711)
    walls._give(place, 4711)
    assert {path.lstat().st_uid for path in (place, *place.rglob("*"))} == {4711}
    assert outside.stat().st_uid == 0


def test_a_machine_without_bubblewrap_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    with pytest.raises(walls.WallsError, match="apt-get install bubblewrap"):
        walls.check()
