"""The classroom: a JupyterHub for a course, its exchange, and the learning platform in front of it."""
