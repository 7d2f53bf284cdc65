"""JupyterHub's configuration for ``equipoise hub``, which says the rest by an environment variable."""

import json
import os
from pathlib import Path

from equipoise.hub.settings import configure
from equipoise.hub.trial import COURSE_ID, GRADERS, SETTINGS_VARIABLE, STUDENTS

c = get_config()  # noqa: F821  (JupyterHub defines it)
told = json.loads(os.environ.pop(SETTINGS_VARIABLE))  # has the password, which no server of a user may inherit
state = Path(told["state"])

configure(c, state, {COURSE_ID: Path(told["course"])}, Path(told["book"]))
c.JupyterHub.bind_url = told["url"]
c.JupyterHub.db_url = f"sqlite:///{state}/jupyterhub.sqlite"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = told["password"]
c.Authenticator.allowed_users = {*GRADERS, *STUDENTS}
c.JupyterHub.load_groups[f"formgrade-{COURSE_ID}"] = {"users": list(GRADERS)}
