"""nbgrader's configuration for this course. It serves nbgrader's own commands, formgrader and `equipoise grade`.

Run nbgrader in this folder. Submissions, marks and feedback of a class lie beside this file and are kept out of
the repository.
"""

import os
import sys
from pathlib import Path

from traitlets.config import Application

from equipoise.content import folder_names
from equipoise.grading.run import write_sources
from equipoise.grading.submissions import make_complete

here = Path(__file__).resolve().parent

c = get_config()  # noqa: F821  (nbgrader defines it)
c.CourseDirectory.course_id = "equipoise"
c.CourseDirectory.root = str(here)

# nbgrader calls its helper `alembic` by name; without this it fails half-way when the environment is not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# Students' code runs in a sandbox, and tests apart from it. Without these lines nbgrader marks as it does by itself:
# unprotected. `equipoise grade --explain-sandbox` shows what is enforced on this machine.
c.Equipoise.course = str(here.parent)
c.Equipoise.sandbox = "bubblewrap"
c.Autograde.exporter_class = "equipoise.grading.preprocessors.SubmissionExporter"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = [
    "equipoise.grading.preprocessors.Mark",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# nbgrader and formgrader pass over a submission whose notebook has another name, and its student would get no result.
# `equipoise grade` finds it anyhow.
if Application.initialized():
    make_complete(here, folder_names(here.parent, "labs"))

# Feedback pages that show no hidden test, run no script and need no internet.
c.GenerateFeedback.exporter_class = "equipoise.grading.feedback.FeedbackExporter"
c.GenerateFeedback.preprocessors = ["equipoise.grading.feedback.GetMarks"]

# A table of grades in which names may have commas.
c.ExportApp.plugin_class = "equipoise.grading.export.GradesExport"

# The source of every assignment is its lab folder: labs/<slug>/lab.py, with its data.
write_sources(here.parent, here / "source")
