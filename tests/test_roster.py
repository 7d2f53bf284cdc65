"""A class list is taken whole or not at all, as often as one likes, and nobody's marks are removed by it."""

from __future__ import annotations

import os

import pytest
from nbgrader.api import Gradebook
from support import BIN

from equipoise.content import load_course
from equipoise.grading.run import Classroom
from equipoise.hub import roster

LIST = 'id,first_name,last_name,email,lms_user_id\nada,Ada,"Lovelace, Countess",ada@example.org,17\n李,,,,\n'


@pytest.fixture(name="room")
def _room(course_root, tmp_path, monkeypatch) -> Classroom:
    monkeypatch.setenv("PATH", str(BIN), prepend=os.pathsep)  # for the gradebook, which calls alembic by name
    monkeypatch.delenv("EQUIPOISE_EXCHANGE", raising=False)
    return Classroom(load_course(course_root), tmp_path / "class")


@pytest.fixture(name="written")
def _written(tmp_path):
    def written(text: str, encoding: str = "utf-8"):
        path = tmp_path / "class.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return written


def test_a_list_is_entered_once_and_brought_up_to_date(room, written):
    first = roster.enrol(room, roster.read(written(LIST)))
    assert (first.added, first.changed, first.unchanged) == (["ada", "李"], [], [])
    again = roster.enrol(room, roster.read(written("\ufeff" + LIST.replace(",", ";").replace("e; C", "e, C"))))
    assert (again.added, again.changed, again.unchanged) == ([], [], ["ada", "李"])
    changed = roster.enrol(room, roster.read(written("id,email\nada,ada@new.example.org\n")))
    assert changed.changed == ["ada"] and not changed.on_exchange
    with Gradebook(room.url, "equipoise") as gradebook:
        ada = gradebook.find_student("ada")
        facts = (ada.first_name, ada.last_name, ada.email, ada.lms_user_id)
        assert facts == ("Ada", "Lovelace, Countess", "ada@new.example.org", "17")
        assert len(gradebook.students) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nada\n", "line 1: there is no column 'id'"),
        ("id,mark\nada,5\n", "line 1: unknown column 'mark'"),
        ("id\nada\n\nada\n", "line 4, column id: 'ada' is there twice"),
        ("id,email\n,x@example.org\n", "line 2, column id: it is empty"),
        ("id\n=cmd\n", "line 2, column id: '=cmd' cannot be a student: the name begins with ="),
        ("id,last_name\nada,Lovelace, Countess\n", "line 2, column id: the line has 3 values"),
    ],
)
def test_a_list_with_a_mistake_says_where_and_changes_nothing(room, written, text, says):
    with pytest.raises(roster.RosterError, match=r"class\.csv") as raised:
        roster.enrol(room, roster.read(written(text)))
    assert says in str(raised.value)


def test_a_list_in_another_encoding_is_refused(written):
    with pytest.raises(roster.RosterError, match="Save the list as CSV in UTF-8"):
        roster.read(written("id,last_name\nada,Müller\n", "latin-1"))
