"""Grades for the learning platform: who has which mark, and the files that Canvas, Moodle and Blackboard import."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from equipoise.grading import records
from equipoise.grading.records import Grade

if TYPE_CHECKING:
    from equipoise.grading.run import Classroom

__all__ = ["Grade", "grades"]


def grades(classroom: Classroom, labs: Collection[str] = ()) -> list[Grade]:
    """Every student's grade for each of ``labs`` (slugs), or for all that were released, by lab and student.

    Raises records.Unreachable if the gradebook cannot be read.
    """
    with records.reading(classroom.url) as gradebook:
        return records.grades(gradebook, labs) if gradebook else []
