"""The service in a thread, and Chromium before it."""

from __future__ import annotations

import os
import shutil
import threading
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from matinee.service.app import create_app
from matinee.service.settings import ServeSettings
from support.cinema import cinema

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

Open = Callable[..., Page]


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        reason = "there is no Chromium: `make browser` installs one"
        warnings.warn(reason, pytest.PytestWarning, stacklevel=1)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Chromium of this system; without one, the tests are skipped and say so."""
    path = _chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Where the pages are served, from a database of their own."""
    folder = tmp_path_factory.mktemp("served")
    run = str(cinema().save(folder / "cinema").run)
    settings = ServeSettings(run=run, database=f"sqlite:///{folder}/people.db", rate=0)
    config = uvicorn.Config(create_app(settings), port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def opened(browser: Browser, address: str) -> Generator[Open]:
    """Opens a window as someone new; at the end, no page may have complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_window(path: str = "/", **options: Any) -> Page:
        options = {"service_workers": "block", "base_url": address, **options}
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(path)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not [c for c in complaints if "Failed to load resource" not in c]


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a picture of a page, for people to look at."""
    folder = Path(os.environ.get("SCREENSHOTS") or "build/screenshots")

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{request.node.name}-{name}.png", full_page=True)

    return take
