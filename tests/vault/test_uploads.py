"""Uploads through Django: sealed, counted, refused with words."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from portal.vault.sealed import IN_MEMORY, SealedFile
from portal.vault.spool import OVERHEAD, SealedUpload, SealedUploadHandler, readable

pytestmark = [pytest.mark.urls("tests.vault.urls"), pytest.mark.django_db]

SMALL, LARGE = b"small" * 10, b"0123456789abcdef" * (IN_MEMORY // 8)


@pytest.fixture(autouse=True)
def _only_what_is_tested(settings: Settings) -> None:
    settings.MIDDLEWARE = ["portal.vault.middleware.LengthRequiredMiddleware"]
    settings.FILE_UPLOAD_HANDLERS = ["portal.vault.spool.SealedUploadHandler"]


def upload(client: Client, content: bytes, path: str = "/form", **headers: Any) -> Any:
    """Send a form with one file."""
    file = SimpleUploadedFile("../../people.csv", content, "text/csv")
    return client.post(path, {"file": file, "note": "hello"}, **headers)


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
def test_a_form_gives_its_view_the_file(client: Client, content: bytes) -> None:
    answer = upload(client, content).json()
    assert answer == {
        "name": "people.csv",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "note": "hello",
    }


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_a_raw_body_is_a_file_too(client: Client, content: bytes) -> None:
    answer = client.post("/raw", content, content_type="application/octet-stream")
    assert answer.json() == {"sha256": hashlib.sha256(content).hexdigest()}


def test_nothing_of_an_upload_has_a_name_on_disk(client: Client, data: Path) -> None:
    upload(client, LARGE)
    assert [path for path in data.rglob("*") if path.is_file()] == []
    sealed = SealedUpload(file=io.BufferedReader(SealedFile()), name="x", size=0)
    with pytest.raises(NotImplementedError):
        sealed.temporary_path()


def test_an_upload_over_the_limit_by_its_length_is_refused_before_it_is_read(
    client: Client, settings: Settings
) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    answer = client.post("/form", b"x" * (OVERHEAD + 1001), content_type="text/csv", HTTP_ACCEPT="text/html")
    assert answer.status_code == 413
    assert "The upload is too large" in answer.content.decode()
    assert "larger than 1000 B" in answer.content.decode()


@pytest.mark.parametrize("size", [1001, 5000, 100_000])
def test_an_upload_over_the_limit_is_refused_while_it_is_counted(
    client: Client, settings: Settings, data: Path, size: int
) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    answer = upload(client, b"x" * size, HTTP_ACCEPT="text/html")
    assert answer.status_code == 413
    assert "nothing of it was kept" in answer.content.decode()
    assert [path for path in data.rglob("*") if path.is_file()] == []


def test_the_limit_itself_is_allowed(client: Client, settings: Settings) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    assert upload(client, b"x" * 1000).status_code == 200
    assert client.post("/raw", b"x" * 1000, content_type="text/plain").status_code == 200


def test_programs_get_their_refusal_as_json(client: Client, settings: Settings) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    answer = client.post("/raw", b"x" * 1001, content_type="text/plain", HTTP_ACCEPT="application/json")
    assert answer.status_code == 413
    assert json.loads(answer.content)["error"] == "The upload is too large"
    assert "PORTAL_UPLOAD_LIMIT" in json.loads(answer.content)["do"]


def test_a_view_may_use_its_own_words(client: Client, settings: Settings) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    answer = upload(client, b"x" * 1001, path="/own-words")
    assert (answer.status_code, answer.content[:10]) == (422, b"own words:")


def test_the_refusal_survives_the_csrf_check_which_reads_the_form_first(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    settings.PORTAL_UPLOAD_LIMIT = 1000
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    assert upload(client, b"x" * 1000, path="/guarded").status_code == 403
    answer = upload(client, b"x" * 1001, path="/guarded", HTTP_ACCEPT="text/html")
    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_a_body_without_a_length_is_refused(client: Client, method: str) -> None:
    answer = client.generic(
        method.upper(),
        "/raw",
        b"",
        HTTP_TRANSFER_ENCODING="chunked",
        CONTENT_LENGTH="",
        HTTP_ACCEPT="text/html",
    )
    assert answer.status_code == 411
    assert "Content-Length" in answer.content.decode()


def test_requests_without_a_body_pass(client: Client) -> None:
    assert client.get("/nowhere").status_code == 404
    assert client.post("/nowhere", HTTP_ACCEPT="text/html").status_code == 404


def test_an_interrupted_upload_is_closed() -> None:
    handler = SealedUploadHandler(HttpRequest())
    handler.new_file("file", "x.csv", "text/csv", None)
    handler.receive_data_chunk(b"half", 0)
    handler.upload_interrupted()
    assert handler._sealed.closed


@pytest.mark.parametrize(
    ("size", "said"), [(999, "999 B"), (1024, "1.0 kB"), (2_621_440, "2.5 MB"), (1 << 30, "1.0 GB")]
)
def test_limits_are_said_as_people_say_them(size: int, said: str) -> None:
    assert readable(size) == said
