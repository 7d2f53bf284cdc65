"""nbgrader's table of grades, whole for every name that a student may have.

nbgrader's own writes names without quotes, so that ``Müller, Anna`` would move each number behind it.
"""

from __future__ import annotations

from types import SimpleNamespace

from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.plugins import CsvExportPlugin


class GradesExport(CsvExportPlugin):
    """For ``c.ExportApp.plugin_class``: the same table, with quotes where CSV needs them."""

    def export(self, gradebook: Gradebook) -> None:
        """Write every mark to ``self.to``."""
        super().export(_Quoting(gradebook))


class _Quoting:
    """A gradebook, as far as it is exported, whose students' names are quoted when they are written."""

    def __init__(self, gradebook: Gradebook):
        self.gradebook, self.assignments = gradebook, gradebook.assignments
        columns = ("id", "last_name", "first_name", "email")
        self.students = [
            SimpleNamespace(**{name: _Text(getattr(student, name) or "") for name in columns})
            for student in gradebook.students
        ]

    def find_submission(self, assignment: str, student: str) -> SubmittedAssignment:
        return self.gradebook.find_submission(assignment, str(student))


class _Text(str):
    def __format__(self, spec: str) -> str:
        quoted = self.replace('"', '""')
        return f'"{quoted}"' if set(self) & set(',"\r\n') else str(self)
