"""nbgrader's configuration for this course. It serves nbgrader's own commands, formgrader and `equipoise grade`.

Run nbgrader in this folder. Submissions, marks and feedback of a class lie beside this file and are kept out of
the repository; a hub says by its environment where else they lie, and which exchange there is.
"""

import os
import sys
from pathlib import Path

from traitlets.config import Application

from equipoise.content import folder_names
from equipoise.grading.run import write_sources
from equipoise.grading.submissions import make_complete

here = Path(__file__).resolve().parent

root = Path(os.environ.get("EQUIPOISE_CLASS") or here)

c = get_config()  # noqa: F821  (nbgrader defines it)
c.CourseDirectory.course_id = os.environ.get("EQUIPOISE_COURSE_ID") or "equipoise"
c.CourseDirectory.root = str(root)

# The gradebook is a file beside the class, or a database that is named by its address, which may hold a password.
if os.environ.get("EQUIPOISE_MARKS_URL"):
    c.CourseDirectory.db_url = os.environ["EQUIPOISE_MARKS_URL"]

# nbgrader calls its helper `alembic` by name; without this it fails half-way when the environment is not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# Students' code runs in a sandbox, and tests apart from it. Without these lines nbgrader marks as it does by itself:
# unprotected. `equipoise grade --explain-sandbox` shows what is enforced on this machine.
c.Equipoise.course = str(here.parent)
c.Equipoise.sandbox = os.environ.get("EQUIPOISE_SANDBOX") or "bubblewrap"
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
    make_complete(root, folder_names(here.parent, "labs"))

# Feedback pages that show no hidden test, run no script and need no internet.
c.GenerateFeedback.exporter_class = "equipoise.grading.feedback.FeedbackExporter"
c.GenerateFeedback.preprocessors = ["equipoise.grading.feedback.GetMarks"]

# A table of grades in which names may have commas: that of `equipoise export --to csv`.
c.ExportApp.plugin_class = "equipoise.grading.export.plugin.GradesExport"

# The exchange of the hub, where there is one.
if "EQUIPOISE_EXCHANGE" in os.environ:
    c.ExchangeFactory.list = "equipoise.hub.graders.ExchangeList"
    c.ExchangeFactory.release_assignment = "equipoise.hub.graders.ExchangeReleaseAssignment"
    c.ExchangeFactory.collect = "equipoise.hub.graders.ExchangeCollect"
    c.ExchangeFactory.release_feedback = "equipoise.hub.graders.ExchangeReleaseFeedback"

# The source of every assignment is its lab folder: labs/<slug>/lab.py, with its data.
write_sources(here.parent, root / "source")
