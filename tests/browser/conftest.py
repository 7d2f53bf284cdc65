"""The system's browser, for every test that looks at a page as a reader does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium: sudo apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not run for root or in containers; the pages are ours.
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), chromium_sandbox=False)
        yield started
        started.close()
