"""The face is tested on its own: its pages are served without a database, and looked at in a real browser."""

import copy
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CHROMIUM = next(
    (path for path in map(Path, ("/usr/bin/chromium", "/usr/bin/google-chrome")) if path.exists()), None
)
# Without a cookie no page of the style guide asks the database for anything.
FACE = {
    "ROOT_URLCONF": "tests.ui.urls",
    "ALLOWED_HOSTS": ["localhost", "testserver"],
    "MESSAGE_STORAGE": "django.contrib.messages.storage.cookie.CookieStorage",
    "CSRF_FAILURE_VIEW": "portal.ui.errors.csrf_failure",
}


def face_settings() -> dict[str, object]:
    """The project's settings with the addresses and templates of these tests."""
    engine, *others = copy.deepcopy(django_settings.TEMPLATES)
    engine["DIRS"] = [ROOT / "templates", HERE / "templates"]
    return {**FACE, "TEMPLATES": [engine, *others]}


@pytest.fixture
def face() -> Iterator[None]:
    """Requests of this test see the addresses of tests/ui/urls.py."""
    with override_settings(**face_settings()):
        yield


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of the face."""
    with override_settings(**face_settings()):
        handler = StaticFilesHandler(WSGIHandler())
        server = make_server("localhost", 0, handler, server_class=_Server, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine; none is ever downloaded."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: pages were not looked at in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, served: str) -> Iterator[Page]:
    """A tab, whose console must stay free of refusals by the content security policy and of faults."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=served)
    context.set_default_timeout(10_000)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(f"fault: {error}"))
    yield tab
    context.close()
    assert [line for line in said if "Content Security Policy" in line or line.startswith("fault:")] == []
