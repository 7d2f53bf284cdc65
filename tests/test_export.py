"""Grades for Canvas, Moodle and Blackboard: each mark in its own row, or named; and nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from marked_class import Handed, hand_in
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from equipoise import labs
from equipoise.cli import app
from equipoise.grading import export as exporting
from equipoise.grading.export import ExportError, Kind, Target, export, sheets
from equipoise.grading.export.plugin import GradesExport
from equipoise.grading.run import Classroom
from equipoise.grading.submissions import FORMULA

# id: (last name, first name, e-mail, id in the platform)
PEOPLE = {
    "ada": ("Lovelace, Countess", 'Ada "A."', "ada@example.org", "101"),
    "ben": ("Müller", "Ben", "ben@example.org", "102"),
    "cy": ("=HYPERLINK(1)", "@SUM(A1)", "cy@example.org", "103"),
    "dee": ("李", "明\n=2", "Dee@Example.org", "104"),
    "eve": ("'=O'Neil;=1", "\t+Eve", "eve@example.org", "105"),
    "fay": ("Twin", "Fay", "twin@example.org", ""),
    "gus": ("Twin", "Gus", "twin@example.org", ""),
    "hal": ("Hall", "Hal", "hal@example.org", "u-108"),
    "ida": ("Idle", "Ida", "ida@example.org", "109"),
    "=bad": ("Formula", "Id", "bad@example.org", "110"),
}
FINAL = {"ada", "cy", "dee", "eve", "fay", "gus", "hal", "=bad"}  # ben waits for a person, ida handed in nothing


@pytest.fixture(scope="module", name="pair")
def _pair(course):
    """Two labs: the first of the course, which all but one handed in, and another, which only ada did."""
    return list(course.labs.values())[:2]


@pytest.fixture(scope="module", name="lab")
def _lab(pair):
    return pair[0]


@pytest.fixture(scope="module", name="room")
def _room(course, pair, tmp_path_factory) -> Classroom:
    room, (first, second) = Classroom(course, tmp_path_factory.mktemp("class")), pair
    failed = {"cy": dict.fromkeys(list(labs.points(first))[:1], "no")}
    handed = [
        Handed(one, labs.solutions(first), failed.get(one, {}), memo_points=None if one == "ben" else 3 + len(one) / 2)
        for one in PEOPLE
        if one != "ida"
    ]
    hand_in(room.root, first, handed)
    hand_in(room.root, second, [Handed("ada", labs.solutions(second), memo_points=2.5)])
    with Gradebook(room.url) as gradebook:
        for student, (last, name, email, theirs) in PEOPLE.items():
            names = {"last_name": last, "first_name": name, "email": email, "lms_user_id": theirs or None}
            gradebook.update_or_create_student(student, **names)
        late = gradebook.find_submission(first.slug, "cy")
        late.timestamp, late.notebooks[0].late_submission_penalty = datetime(2026, 3, 1, 12), 1.25
        gradebook.db.commit()
    return room


@pytest.fixture(scope="module", name="scores")
def _scores(room, lab):
    """The final score of each student in the first lab, by nbgrader's own account."""
    with Gradebook(room.url) as gradebook:
        found = gradebook.find_assignment(lab.slug).submissions
        final = [one for one in found if not one.needs_manual_grade]
        return {one.student_id: f"{one.score - one.late_submission_penalty:g}" for one in final}


@pytest.fixture(name="other_room")
def _other_room(room, tmp_path) -> Classroom:
    """The same class, to be changed."""
    return Classroom(room.course, shutil.copytree(room.root, tmp_path / "class"))


@pytest.fixture(name="download")
def _download(tmp_path):
    """A function that writes a table as a platform would."""

    def download(rows, name="download.csv", encoding="utf-8", separator=",", quoting=csv.QUOTE_MINIMAL) -> Path:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=separator, quoting=quoting).writerows(rows)
        path = tmp_path / name
        path.write_bytes(text.getvalue().encode(encoding))
        return path

    return download


def table(path: Path, encoding="utf-8", separator=",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=separator))


def records(path: Path) -> list[dict[str, str]]:
    """Our whole table, with the texts as they were."""
    header, *rows = table(path)
    return [dict(zip(header, map(undo, row), strict=True)) for row in rows]


def undo(cell: str) -> str:
    """Take away the apostrophe that was added, as the documentation tells it."""
    signs = "".join(map(re.escape, FORMULA))
    if re.match(rf"'(?='*(\s*[{signs}]|[\t\r\n]))", cell):
        cell = cell[1:]
    return re.sub(rf"(?<=[,;\t\r\n])'(?='*[{signs}])", "", cell)


def said(outcome, kind: Kind) -> dict[str, str]:
    return {remark.who: remark.why for remark in outcome.remarks if remark.kind is kind}


def worth(room, lab) -> str:
    return f"{exporting.grades(room, [lab.slug])[0].worth:g}"


# ---- grades


def test_grades_are_nbgraders_own(room, pair):
    found = {(one.lab, one.student): one for one in exporting.grades(room)}
    assert len(found) == 2 * len(PEOPLE)
    names = {one.student: (one.last_name, one.first_name, one.email, one.lms_user_id) for one in found.values()}
    assert names == PEOPLE
    with Gradebook(room.url) as gradebook:
        for lab in pair:
            for theirs in gradebook.find_assignment(lab.slug).submissions:
                ours = found.pop((lab.slug, theirs.student_id))
                assert ours.automatic + ours.by_people == pytest.approx(theirs.score)
                assert (ours.penalty, ours.worth) == (theirs.late_submission_penalty, theirs.max_score)
                assert (ours.waiting, ours.score is None) == (theirs.needs_manual_grade,) * 2
                assert ours.by_people == (0 if ours.waiting else theirs.written_score)
                assert ours.handed_in == theirs.timestamp
    assert {(one.points, one.score, one.waiting) for one in found.values()} == {(None, None, False)}


def test_a_mark_is_final_only_when_all_of_it_is(other_room, lab):
    """A person's mark of an earlier version, a part that was never marked, and a part that came later are not."""
    before = {one.student: one.score for one in exporting.grades(other_room, [lab.slug])}
    with Gradebook(other_room.url) as gradebook:
        gradebook.find_grade("memo", lab.slug, lab.slug, "ada").needs_manual_grade = True
        gradebook.find_grade(next(iter(labs.points(lab))), lab.slug, lab.slug, "dee").auto_score = None
        gradebook.find_grade("memo", lab.slug, lab.slug, "hal").extra_credit = 2
        gradebook.db.commit()
    found = {one.student: one for one in exporting.grades(other_room, [lab.slug])}
    assert {one.student for one in found.values() if one.waiting} == {"ada", "ben", "dee"}
    assert found["hal"].score == before["hal"] + 2
    with Gradebook(other_room.url) as gradebook:
        gradebook.add_grade_cell("later", lab.slug, lab.slug, max_score=1, cell_type="code")
    assert {one.student for one in exporting.grades(other_room, [lab.slug]) if not one.waiting} == {"ida"}


# ---- the whole table


def test_whole_table_has_everybody_and_gives_names_back(room, pair, scores):
    outcome = export(room, Target.CSV)
    assert outcome.path == room.root / "exports" / "grades.csv"
    assert outcome.path.parent.stat().st_mode & 0o777 == 0o700
    assert outcome.complete and set(said(outcome, Kind.WAITING)) == {"ben"}
    rows = records(outcome.path)
    keys = [(row["assignment"], row["student_id"]) for row in rows]
    assert sorted(keys) == sorted((lab.slug, student) for lab in pair for student in PEOPLE)
    for row in rows:
        assert (row["last_name"], row["first_name"], row["email"], row["lms_user_id"]) == PEOPLE[row["student_id"]]
    first = {row["student_id"]: row for row in rows if row["assignment"] == pair[0].slug}
    assert {student: row["score"] for student, row in first.items() if row["score"]} == scores
    late, waits = first["cy"], first["ben"]
    raw = float(late["automatic"]) + float(late["by_people"])
    assert (float(late["raw_score"]), float(late["score"])) == (raw, raw - 1.25)
    assert (late["timestamp"], late["late_submission_penalty"]) == ("2026-03-01 12:00:00", "1.25")
    assert (waits["score"], waits["unmarked"]) == ("", "1") and float(waits["raw_score"]) > 0


def test_nbgrader_exports_the_same_table(room, lab, tmp_path):
    def exported(**chosen) -> Path:
        path = tmp_path / "grades.csv"
        with Gradebook(room.url) as gradebook:
            GradesExport(to=str(path), **chosen).export(gradebook)
        return path

    theirs, ours = exported().read_text(), room.export(tmp_path / "ours.csv").read_text()
    assert theirs == ours == export(room, Target.CSV).path.read_text()
    rows = records(exported(student=["ada", "cy"], assignment=[lab.slug]))
    assert [(row["assignment"], row["student_id"]) for row in rows] == [(lab.slug, "ada"), (lab.slug, "cy")]


# ---- spreadsheets

NASTY = ["=1", "'=1", "''=1", "'x", "x", "", " =1", "\t=1", "\tx", "a;=1", "a,'@b", "a\n-1", "\n=\n=", "a=1", "a, -1"]
NASTY += [";;+", "'", "\uff1d1", "x;\uff0b1", "O'Neil", "Smith-Jones", "a\r\n''=1", "'\t'=1", "=,=", "-"]


@pytest.mark.parametrize("text", NASTY)
def test_an_apostrophe_is_added_where_a_formula_would_be_and_can_be_taken_away(text):
    guarded = sheets.guarded(text)
    assert undo(guarded) == text
    assert sheets.is_harmless(text) == (guarded == text)
    assert not guarded.lstrip(" ").startswith((*FORMULA, "\t", "\r", "\n"))
    assert not any(part.startswith(FORMULA) for part in re.split("[,;\t\r\n]", guarded))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("target", [Target.CSV, Target.CANVAS, Target.MOODLE])
def test_no_cell_of_ours_is_a_formula_whatever_separator_a_spreadsheet_takes(room, lab, target, separator):
    outcome = export(room, target, [lab.slug])
    for path in filter(None, (outcome.path, outcome.beside)):
        cells = [cell for row in table(path, separator=separator) for cell in row]
        assert not [cell for cell in cells if cell.lstrip(" ").startswith((*FORMULA, "\t", "\r", "\n"))]


# ---- Canvas


def canvas(room, lab, *changes: tuple[int, int, str]) -> list[list[str]]:
    """A gradebook as Canvas exports it, with changed cells: (row, column, text)."""
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", f"{lab.facts.title} (77)", "Quiz (78)"],
        ["", "", "", "", "", "Manual Posting", ""],
        ["    Points Possible", "", "", "", "", f"{worth(room, lab)}.00", "(read only)"],
        ["Lovelace, Ada", "101", "m-1", "ada", 'A, "1"', "", "3.00"],
        ["Müller, Ben", "102", "", "BEN@example.org", "A", "7.50", "1.00"],
        ["=HYPERLINK(1)", "103", "", "login", "B", "5.00", ""],
        ["李 明", "", "", "dee@example.org", "", "", "-"],
        ["Idle, Ida", "109", "", "", "A", "", ""],
        ["Student,\x1b[31m Test", "900", "", "f00", "A", "", ""],
    ]
    for row, column, text in changes:
        rows[row][column] = text
    return rows


def test_marks_go_into_canvass_own_gradebook(room, lab, download, scores):
    before = canvas(room, lab)
    outcome = export(room, Target.CANVAS, [lab.slug], download(before))
    expected = canvas(room, lab, (5, 0, "'=HYPERLINK(1)"))
    for row, student in {3: "ada", 5: "cy", 6: "dee"}.items():
        expected[row][5] = scores[student]
    assert table(outcome.path) == expected and outcome.marks == 3
    assert said(outcome, Kind.REPLACED) == {"cy": "5.00 was there"} and set(said(outcome, Kind.WAITING)) == {"ben"}
    assert said(outcome, Kind.UNMARKED).keys() == {"ida", "Student,?[31m Test"}
    assert said(outcome, Kind.LOST).keys() == FINAL - {"ada", "cy", "dee"}
    listed = {row["student_id"]: row for row in records(outcome.beside)}
    assert listed.keys() == said(outcome, Kind.LOST).keys()
    assert listed["hal"]["score"] == scores["hal"] and "no row" in listed["hal"]["reason"]


def test_several_labs_go_into_a_gradebook_and_a_new_one_gets_a_column(room, pair, download):
    first, second = pair
    after = table(export(room, Target.CANVAS, onto=download(canvas(room, first))).path)
    assert [row[-1] for row in after[:3]] == [second.facts.title, "", worth(room, second)]
    assert [bool(row[-1]) for row in after[3:]] == [True] + [False] * 5
    assert after[3][5]


def test_labs_of_one_title_have_columns_of_their_own(room, pair, download):
    first, second = pair
    facts = second.facts.model_copy(update={"title": first.facts.title})
    twins = room.course.labs | {second.slug: second.model_copy(update={"facts": facts})}
    same = Classroom(room.course.model_copy(update={"labs": twins}), room.root)
    after = table(export(same, Target.CANVAS, onto=download(canvas(room, first))).path)
    assert after[0][-2:] == [first.slug, second.slug] and after[3][5] == "" and after[3][-2] != after[3][-1] != ""


@pytest.mark.parametrize("text", ["EX", "N/A", "complete", "7 of 9"])
def test_what_a_person_decided_in_the_platform_stays(room, lab, download, text):
    outcome = export(room, Target.CANVAS, [lab.slug], download(canvas(room, lab, (3, 5, text))))
    assert table(outcome.path)[3][5] == text
    assert repr(text) in said(outcome, Kind.LOST)["ada"] and not outcome.complete


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ([(3, 3, "twin@example.org")], {"ada", "fay", "gus"}),  # columns that name different students
        ([(3, 1, ""), (3, 3, "twin@example.org")], {"ada", "fay", "gus"}),  # an address of two students
        ([(4, 1, "101")], {"ada"}),  # a row of two students, one of whom has another
        ([(4, 1, "101"), (4, 3, "")], {"ada"}),  # two rows of one student
        ([(3, 1, "555"), (3, 3, "")], {"ada"}),  # no row
        ([(3, 1, "ada"), (3, 3, "someone")], {"ada"}),  # a student's id where Canvas has numbers of its own
    ],
)
def test_doubt_is_left_to_a_person(room, lab, download, changes, lost):
    outcome = export(room, Target.CANVAS, [lab.slug], download(canvas(room, lab, *changes)))
    assert said(outcome, Kind.LOST).keys() == lost | (FINAL - {"ada", "cy", "dee"})
    column = [row[5] for row in table(outcome.path)[3:]]
    assert column[:2] == ["", "7.50"] and column[2] != "5.00" and column[3]


def test_an_id_settles_what_an_address_leaves_open(room, lab, download, scores):
    changes = [(3, 1, ""), (3, 2, "fay"), (3, 3, "twin@example.org")]
    outcome = export(room, Target.CANVAS, [lab.slug], download(canvas(room, lab, *changes)))
    assert table(outcome.path)[3][5] == scores["fay"] and "gus" in said(outcome, Kind.LOST)


def test_without_a_download_canvas_gets_rows_with_final_marks_alone(room, lab, scores):
    outcome = export(room, Target.CANVAS, [lab.slug])
    header, points, *rows = table(outcome.path)
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", lab.facts.title]
    assert points == ["    Points Possible", "", "", "", "", worth(room, lab)]
    found = {row[3]: row for row in rows}
    assert {student: row[5] for student, row in found.items()} == {k: v for k, v in scores.items() if k != "=bad"}
    assert said(outcome, Kind.LOST).keys() == {"=bad"}
    assert found["ada"][:3] == ['Lovelace, Countess, Ada "A."', "101", ""] and found["hal"][1:3] == ["", "u-108"]
    assert {student: undo(row[0]) for student, row in found.items()} == {
        student: ", ".join(PEOPLE[student][:2]) for student in found
    }


def test_canvas_never_has_to_choose_between_two_of_a_name_or_a_number(other_room, lab):
    with Gradebook(other_room.url) as gradebook:
        gradebook.update_or_create_student("gus", first_name="Fay")
        gradebook.update_or_create_student("hal", lms_user_id="101")
    outcome = export(other_room, Target.CANVAS, [lab.slug])
    names = [row[0] for row in table(outcome.path)]
    assert {"fay", "gus"} < set(names) and "Twin, Fay" not in names
    assert {"ada", "hal"} < said(outcome, Kind.LOST).keys()


# ---- Moodle


def moodle(lab, *changes: tuple[int, int, str]) -> list[list[str]]:
    """Grades as Moodle exports them where numbers have a comma, with changed cells."""
    item, kinds = f"Assignment: {lab.facts.title}", ("Real", "Percentage", "Feedback")
    others = ("Quiz: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 (Real)", "Last downloaded from this course")
    rows = [
        ["First name", "Last name", "ID number", "Email address", *(f"{item} ({kind})" for kind in kinds), *others],
        ["Ada", "Lovelace; née Byron", "", "ADA@example.org", "-", "-", "", "3,50", "1790000000"],
        ["Ben", "Müller", "", "ben@example.org", "7,50", "20 %", "well", "7,50", "1790000000"],
        ["@SUM(A1)", "=HYPERLINK(1)", "103", "", "-", "-", "", "-", "1790000000"],
        ["Ida", "Idle", "ida", "", "-", "-", "", "-", "1790000000"],
    ]
    for row, column, text in changes:
        rows[row][column] = text
    return rows


def test_moodle_gets_marks_with_feedback_and_no_row_without(room, lab, download, scores):
    before = moodle(lab)
    outcome = export(room, Target.MOODLE, [lab.slug], download(before, separator=";", encoding="utf-8-sig"))
    header, ada, cy = table(outcome.path, "utf-8-sig", ";")
    assert header == before[0] and outcome.path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert (ada[4], cy[4]) == (scores["ada"].replace(".", ","), scores["cy"].replace(".", ","))
    assert ada[:4] == before[1][:4] and ada[5] == "-" and ada[7:] == before[1][7:]
    assert cy[:3] == ["'@SUM(A1)", "'=HYPERLINK(1)", "103"]
    assert ada[6].startswith(f"{scores['ada']} of {worth(room, lab)} points: ") and lab.slug in ada[6]
    automatic, by_people, late = map(float, re.findall(r"([\d.]+) (?:from|taken)", cy[6]))
    assert (automatic + by_people - late, late) == (float(scores["cy"]), 1.25)
    assert said(outcome, Kind.UNMARKED).keys() == {"ida"} and said(outcome, Kind.WAITING).keys() == {"ben"}
    assert said(outcome, Kind.LOST).keys() == FINAL - {"ada", "cy"}


def test_without_a_download_moodle_gets_only_ids_that_everybody_has(other_room, lab, scores):
    header, *rows = table(export(other_room, Target.MOODLE, [lab.slug]).path)
    title = lab.facts.title
    assert header == ["Username", "First name", "Last name", title, f"{title} (Feedback)"]  # two share an address
    assert {row[0]: row[3] for row in rows} == {k: v for k, v in scores.items() if k != "=bad"}
    with Gradebook(other_room.url) as gradebook:
        gradebook.update_or_create_student("fay", email="fay@example.org")
        gradebook.update_or_create_student("gus", lms_user_id="106")
    header, *rows = table(export(other_room, Target.MOODLE, [lab.slug]).path)
    assert header[:3] == ["Username", "Email address", "First name"]  # not the platform's id: one has none
    assert {row[0]: row[1] for row in rows}["gus"] == "twin@example.org"


def test_moodle_needs_its_column(room, lab, pair, download):
    with pytest.raises(ExportError, match=r"row 1: there is no column .* \(Real\)'.* Make a grade item"):
        export(room, Target.MOODLE, [pair[1].slug], download(moodle(lab)))
    with pytest.raises(ExportError, match="may both be"):
        export(room, Target.MOODLE, [lab.slug], download(moodle(lab, (0, 7, f"{lab.facts.title} (Real)"))))


# ---- Blackboard


def blackboard(room, lab, points: str = "") -> list[list[str]]:
    """A gradebook as Blackboard exports it."""
    header = ["Last Name", "First Name", "Username", "Student ID", "Last Access", "Availability"]
    ours = f"{lab.facts.title} [Total Pts: {points or worth(room, lab)} Score] |4711"
    return [
        [*header, ours, "Total [Total Pts: up to 60 Score] |1"],
        ["Lovelace", "Ada", "ada", "", "2026-01-01", "Yes", "", "0.00"],
        ["=HYPERLINK(1)", "@SUM(A1)", "CY", "103", "", "Yes", "", "0.00"],
        ["Müller", "Bén 李", "ben", "", "", "Yes", "", ""],
    ]


@pytest.mark.parametrize(("encoding", "separator"), [("utf-16", "\t"), ("utf-16-le", "\t"), ("utf-8-sig", ",")])
def test_blackboards_gradebook_comes_back_as_it_was(room, lab, download, scores, encoding, separator):
    before = blackboard(room, lab)
    path = download(before, "gc.xls", encoding, separator, csv.QUOTE_ALL)
    outcome = export(room, Target.BLACKBOARD, [lab.slug], path)
    before[1][6], before[2][6] = scores["ada"], scores["cy"]
    before[2][:2] = ["'=HYPERLINK(1)", "'@SUM(A1)"]
    assert outcome.path.name == "grades-blackboard.xls"
    assert outcome.path.read_bytes() == download(before, "wanted.xls", encoding, separator, csv.QUOTE_ALL).read_bytes()
    assert said(outcome, Kind.LOST).keys() == FINAL - {"ada", "cy"}


def test_blackboard_needs_a_download_and_its_column(room, pair, download):
    with pytest.raises(ExportError, match="needs --onto FILE"):
        export(room, Target.BLACKBOARD)
    with pytest.raises(ExportError, match=r"row 1: there is no column .*Total Pts.* Make a column"):
        export(room, Target.BLACKBOARD, [pair[1].slug], download(blackboard(room, pair[0])))


# ---- downloads of every kind


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_download_keeps_its_encoding_and_separator(room, lab, download, scores, encoding, separator):
    left_out = ["=HYPERLINK(1)", *(["李 明"] if encoding == "latin-1" else [])]
    rows = [row for row in canvas(room, lab) if row[0] not in left_out]
    outcome = export(room, Target.CANVAS, [lab.slug], download(rows, encoding=encoding, separator=separator))
    students = {"Lovelace, Ada": "ada", "李 明": "dee"}
    wanted = [[*row[:5], scores.get(students.get(row[0]), row[5]), *row[6:]] for row in rows]
    assert outcome.path.read_bytes() == download(wanted, "wanted.csv", encoding, separator).read_bytes()


def test_rows_that_a_spreadsheet_shortened_are_filled_up(room, lab, tmp_path):
    path = tmp_path / "short.csv"
    header = f"Student,ID,SIS User ID,SIS Login ID,Section,{lab.facts.title} (7)"
    path.write_text(f"{header}\n    Points Possible,,,,,{worth(room, lab)}\nAda,101\n\nIda,109")
    ada, ida = table(export(room, Target.CANVAS, [lab.slug], path).path)[2:]
    assert ada[5] and len(ada) == len(ida) == 6


WRONG = {
    "": "is empty",
    "  \n": "is empty",
    "a\0b,c\0d": "is damaged",
    "PK\x03\x04...": "is a workbook",
    "<!doctype html>": "is a web page",
    "Student\nAda\n": "has one column only",
    "Name,Grade\nAda,3\n": "row 1: no column says who a row is",
    "Student,ID,ID\n": "row 1: there are two columns 'ID'",
    "Student,ID,X\nAda,101,1,2\n": r"row 2 \(line 2\) has 4 cells, and the header has 3",
    'Student,ID,X\n"Ada"a,101,1\n': "line 2: ",
    'Student,ID,X\n"Ada,101,1\n': "line 2: ",
    "Student,ID,X\nAda,101,1\n": "row 2: this is not the row 'Points Possible'",
}


@pytest.mark.parametrize("content", WRONG)
def test_a_wrong_file_is_named_with_the_place_and_the_repair(room, lab, tmp_path, content):
    path, output = tmp_path / "wrong.csv", tmp_path / "out.csv"
    path.write_bytes(content.encode())
    with pytest.raises(ExportError, match=WRONG[content]) as failed:
        export(room, Target.CANVAS, [lab.slug], path, output)
    assert str(failed.value).startswith(str(path)) and re.search("Download|export", str(failed.value))
    assert "\n" not in str(failed.value) and not output.exists()


def test_points_that_differ_and_columns_that_are_double_are_not_filled(room, lab, download):
    with pytest.raises(ExportError, match=rf"row 1: column .*\(77\)' is out of 100, and {lab.slug} gives .*Change"):
        export(room, Target.CANVAS, [lab.slug], download(canvas(room, lab, (2, 5, "100.00"))))
    with pytest.raises(ExportError, match=r"\(77\)' and .*\(78\)' may both be"):
        export(room, Target.CANVAS, [lab.slug], download(canvas(room, lab, (0, 6, f"{lab.slug} (78)"))))
    with pytest.raises(ExportError, match="is out of 100, "):
        export(room, Target.BLACKBOARD, [lab.slug], download(blackboard(room, lab, "100")))


def test_what_cannot_be_done_is_refused(room, lab, download, tmp_path):
    path = download(canvas(room, lab))
    for problem, arguments in {
        "a table for Moodle holds one lab": (Target.MOODLE,),
        r"a table without a download .* holds one lab": (Target.CANVAS,),
        "say --to canvas": (Target.CSV, [], path),
        "nowhere is not in the gradebook. It has": (Target.CSV, ["nowhere"]),
        "would be written over": (Target.CANVAS, [lab.slug], path, path),
        "cannot be read": (Target.CANVAS, [lab.slug], tmp_path / "none"),
        "cannot be written": (Target.CSV, [], None, tmp_path),
    }.items():
        with pytest.raises(ExportError, match=problem):
            export(room, *arguments)
    with pytest.raises(ExportError, match="Nobody has a mark yet"):
        export(Classroom(room.course, tmp_path / "empty"), Target.CSV)
    with pytest.raises(ExportError, match=r"latin\.csv is not in Unicode and cannot hold '李'"):
        sheets.Sheet([["李"]], "latin-1", path=tmp_path / "latin.csv").content()


# ---- the command


@pytest.fixture(name="command")
def _command(room, monkeypatch):
    """The command, in this class: its exit code and what it printed."""
    monkeypatch.setattr("equipoise.grading.run.Classroom", lambda course: room)

    def command(*words: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["export", *map(str, words)], env={"COLUMNS": "200"})
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result.exit_code, result.output

    return command


def test_command_says_whose_marks_are_not_in_the_file(command, room, lab, download, tmp_path):
    output = tmp_path / "up.csv"
    code, printed = command(lab.slug, "--to", "canvas", "--onto", download(canvas(room, lab)), "--output", output)
    assert code == 1 and output.exists()
    lines = printed.splitlines()
    for kind, who in ((Kind.LOST, "hal"), (Kind.WAITING, "ben"), (Kind.UNMARKED, "ida"), (Kind.REPLACED, "cy")):
        assert any(kind in line and who in line for line in lines), (kind, who)
    assert f"3 marks: {output}" in lines and f"{tmp_path / 'up-not-exported.csv'}" in printed
    code, printed = command("--to", "csv", "--output", output)
    assert code == 0 and "not final" in printed and not (tmp_path / "up-not-exported.csv").exists()


def test_command_stops_with_one_sentence(command):
    code, printed = command("--to", "blackboard")
    assert code == 1 and printed.startswith("Blackboard needs --onto") and printed.count("\n") == 1
    assert command("--to", "sakai")[0] == 2
