"""The graders' server: formgrader as a page of its own, and a terminal for nbgrader's and Equipoise's commands."""

from pathlib import Path

from equipoise.content import find_root

c = get_config()  # noqa: F821  (Jupyter defines it)

c.ServerApp.jpserver_extensions = {
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.course_list": False,
}
c.ServerApp.extra_static_paths = [str(Path(find_root()) / "book" / "static")]  # MathJax, which formgrader asks for
c.KernelManager.transport = "ipc"
