"""Serves the book beside the hub: static pages, which anybody may read."""

from __future__ import annotations

import os
import signal
import sys
from urllib.parse import urlparse

from tornado.ioloop import IOLoop
from tornado.web import Application, StaticFileHandler


def main() -> None:
    url, prefix = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"]), os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    files = {"path": sys.argv[1], "default_filename": "index.html"}
    Application([(rf"{prefix}(.*)", StaticFileHandler, files)]).listen(url.port, url.hostname, max_body_size=0)
    loop = IOLoop.current()
    signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()


if __name__ == "__main__":
    main()
