"""A student's server: what it has, and what it keeps to itself."""

c = get_config()  # noqa: F821  (Jupyter defines it)

c.ServerApp.jpserver_extensions = {
    "equipoise_launch": True,
    "nbgrader.server_extensions.formgrader": False,
    "nbgrader.server_extensions.course_list": False,
}
# Messages between a notebook and its kernel are signed, not secret: on a port, others on the machine could read them.
c.KernelManager.transport = "ipc"
c.KernelSpecManager.allowed_kernelspecs = {"python3"}
