"""For ``nbgrader export``: the same table as ``equipoise export --to csv``, by nbgrader's own extension point.

nbgrader's plugin writes names without quotes, so that ``Müller, Anna`` would move each number behind it.
"""

from __future__ import annotations

from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from equipoise.files import write_whole
from equipoise.grading import records
from equipoise.grading.export import whole


class GradesExport(ExportPlugin):
    """For ``c.ExportApp.plugin_class``."""

    def export(self, gradebook: Gradebook) -> None:
        """Write every grade, or those of ``self.student`` and ``self.assignment``, to ``self.to``."""
        labs, students = ([str(name) for name in names] for names in (self.assignment, self.student))
        found = records.grades(gradebook.db.connection(), labs)
        path = Path(self.to or "grades.csv")
        self.log.info("Exporting grades to %s", path)
        write_whole(path, whole.table([one for one in found if not students or one.student in students]).content())
