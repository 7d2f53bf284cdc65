"""Blackboard: a gradebook that was downloaded from it, with marks. Nothing else will do.

Blackboard knows a column by the number behind its name, ``Title [Total Pts: 40 Score] |12345``. A column without one
becomes a new column of text, out of 0 points; so it has to be made there first. It knows a student by the user name.
Its tab-delimited downloads are called ``.xls`` and are text in UTF-16; others are in UTF-8. It goes back as it came.
"""

from __future__ import annotations

import re

from equipoise.grading.export.platforms import Assignment, Place, Platform, insist_on_points, only
from equipoise.grading.export.sheets import ExportError, Sheet, amount, number

NUMBERED = re.compile(r"(?P<title>.*?) \[[^\[\]:]*: ?(?:up to )?(?P<points>[\d.,]+)[^\[\]]*\] ?\|\d+", re.DOTALL)


def _place(sheet: Sheet, lab: Assignment) -> Place:
    known = {place: NUMBERED.fullmatch(name.strip()) for place, name in enumerate(sheet.header)}
    found = [place for place, parts in known.items() if parts and lab.is_called(parts["title"])]
    place = only(sheet, lab, found)
    if place is None:
        raise ExportError(
            f"{sheet.at(0)}: there is no column '{lab.title} [Total Pts: {number(lab.worth)} Score] |...' for"
            f" {lab.slug}. Make a column of this name and {number(lab.worth)} points in Blackboard. {BLACKBOARD.repair}"
        )
    insist_on_points(sheet, lab, place, amount(known[place]["points"]))
    return Place(place)


BLACKBOARD = Platform(
    name="Blackboard",
    repair="With English as your language, download the full gradebook of Blackboard, tab-delimited.",
    people={"Username": ("student", "email", "lms_user_id"), "Student ID": ("student", "lms_user_id")},
    names=frozenset({"Last Name", "First Name"}),
    place=_place,
)
