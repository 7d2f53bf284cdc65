"""JupyterHub's configuration for one server. `install` puts a copy into /etc/equipoise once: edit that.

Addresses and passwords are not written here. They come from the environment, /etc/equipoise/hub.env, and the hub says
what is missing there. JupyterHub's own settings may be added at the end.
"""

import os

from equipoise.hub.environment import set_up

c = get_config()  # noqa: F821  (JupyterHub defines it)
set_up(c, os.environ)

# Where users come from. Choose one; until then the hub does not start.
# c.JupyterHub.authenticator_class = "equipoise.hub.lti.LaunchAuthenticator"  # a learning platform, by LTI 1.3
# c.JupyterHub.authenticator_class = "pam"  # accounts of this machine; only for a hub that runs as root
# c.JupyterHub.authenticator_class = "generic-oauth"  # your institution's login; needs the package oauthenticator

# Who of them may come in: all, or some by name.
# c.Authenticator.allow_all = True
# c.Authenticator.allowed_users = {"anna", "ben"}

# Who marks, by course. Students are whom these people put on the course's roster, or whom the learning platform sends.
# c.JupyterHub.load_groups["formgrade-equipoise"] = {"users": ["anna"]}

# What one student may take: memory for each process, processes and threads, and how long a server without use is kept.
c.Spawner.mem_limit = "2G"
c.WalledSpawner.process_limit = 512
c.Spawner.args = ["--ServerApp.shutdown_no_activity_timeout=7200", "--MappingKernelManager.cull_idle_timeout=3600"]
