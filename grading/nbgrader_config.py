"""nbgrader's configuration for this course. It serves nbgrader's own commands, formgrader and `equipoise grade`.

Run nbgrader in this folder. Submissions, marks and feedback of a class lie beside this file and are kept out of
the repository.
"""

import os
import sys
from pathlib import Path

from equipoise.grading.run import write_sources

here = Path(__file__).resolve().parent

c = get_config()  # noqa: F821  (nbgrader defines it)
c.CourseDirectory.course_id = "equipoise"
c.CourseDirectory.root = str(here)

# nbgrader calls its helper `alembic` by name; without this it fails half-way when the environment is not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# A lab may take 60 s in all, so a cell that takes longer hangs. The default shutdown costs a second a notebook.
c.Execute.timeout = 60
c.Execute.shutdown_kernel = "immediate"
c.Execute.extra_arguments = ["--log-level=ERROR"]  # kernels otherwise print a warning a notebook

# The source of every assignment is its lab folder: labs/<slug>/lab.py, with its data.
write_sources(here.parent, here / "source")
