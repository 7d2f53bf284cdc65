"""Which page is completed from which folders: everything that a page shows beyond its own text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from equipoise.book.calibrated import Calibrations
from equipoise.book.case_page import complete_case
from equipoise.book.catalogue import catalogue, pathways
from equipoise.book.competencies import competencies
from equipoise.book.dataset_page import dataset_page
from equipoise.book.sessions import instructors
from equipoise.content import Course


@dataclass(frozen=True)
class Pages:
    """The pages of a course, each a function of its own text and of the folders."""

    course: Course
    calibrations: Calibrations
    hub: str = ""  # the address of the course's JupyterHub

    def complete(self, page: str, text: str) -> str:
        """The Markdown of a page with what the folders add to it."""
        course = self.course
        match PurePosixPath(page).parts:
            case ("cases", slug, "case"):
                return complete_case(course.cases[slug], course, text, self.hub)
            case ("datasets", slug, "datasheet"):
                return dataset_page(course.dataset(slug), course, text, self.calibrations)
            case ("book", "catalogue"):
                return text + catalogue(course)
            case ("book", "pathways"):
                return text + pathways(course)
            case ("book", "competencies"):
                return competencies(course, text)
            case ("book", "instructors"):
                return instructors(course, text)
        return text
