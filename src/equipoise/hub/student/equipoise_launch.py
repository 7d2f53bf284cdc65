"""A link that lands in an assignment: it fetches what the student does not have yet, and opens the notebook.

The book's lab pages link to it through the hub, which starts the student's server if need be.
"""

from __future__ import annotations

import html
from http import HTTPStatus

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from tornado import web

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Not yet</title>
<body style="font: 1.1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>This lab cannot be opened yet</h1><p>{reason}</p>
<p><a href="{lab}">To JupyterLab</a></p></body></html>"""


class OpenAssignment(JupyterHandler):
    """``GET equipoise/open/LAB``"""

    @web.authenticated
    def get(self, lab: str) -> None:
        manager = self.settings["equipoise_assignments"]
        listed = manager.list_released_assignments()
        if not listed["success"]:
            return self.refuse("The exchange cannot be reached. Try again in some minutes.")
        found = [assignment for assignment in listed["value"] if assignment["assignment_id"] == lab]
        if not found:
            return self.refuse("None of your courses has handed it out.")
        chosen = next((assignment for assignment in found if assignment["status"] == "fetched"), found[0])
        course = chosen["course_id"]
        if chosen["status"] != "fetched" and not manager.fetch_assignment(course, lab)["success"]:
            return self.refuse("It could not be fetched. Try again in some minutes.")
        self.redirect(url_path_join(self.base_url, "lab", "tree", course, lab, f"{lab}.ipynb"))

    def refuse(self, reason: str) -> None:
        self.set_status(HTTPStatus.NOT_FOUND)
        lab = url_path_join(self.base_url, "lab")
        self.finish(PAGE.format(reason=html.escape(reason), lab=html.escape(lab)))


def _load_jupyter_server_extension(app) -> None:
    manager = AssignmentList(parent=app)
    manager.root_dir = app.root_dir
    app.web_app.settings["equipoise_assignments"] = manager
    route = url_path_join(app.web_app.settings["base_url"], rf"/equipoise/open/({NAME})")
    app.web_app.add_handlers(".*$", [(route, OpenAssignment)])
