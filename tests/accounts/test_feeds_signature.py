"""A system that signs what it pushes is known by its signature, and a stolen token alone pushes nothing."""

import hashlib
import hmac
import shutil
import subprocess
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import ImportRun, Source
from accounts.services import feeds
from portal.audit.models import Payload
from portal.audit.verbs import Verb
from tests.accounts.conftest import TokenFor
from tests.factories import readings

pytestmark = pytest.mark.django_db

HR = b"number,name\n1,Ann\n"
SECRET = "a-secret-of-the-system-0123456789abcdef"
SAID = {"taken_at": "2026-03-05T08:00:00Z", "count": "1", "filter": "select *\nfrom staff"}


@pytest.fixture
def hr(monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("PORTAL_PUSH_HR_SECRET", SECRET)
    made = readings.source(name="HR nightly")
    return feeds.edit(
        made,
        every_hours=None,
        inbox="hr",
        pull=None,
        applies_by_itself=False,
        version=None,
        by=readings.iam(),
    )


def signed(data: bytes = HR, secret: str = SECRET, name: str = "hr", **changed: str) -> str:
    """As the documentation tells it."""
    said = SAID | changed
    digest = hashlib.sha256(data).hexdigest()
    text = f"portal-push-v1\n{name}\n{digest}\n{said['taken_at']}\n{said['count']}\n{said['filter']}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def push(token: str, signature: str | None, data: bytes = HR, **changed: str) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"}
    if signature is not None:
        headers["Portal-Signature"] = signature
    query = urlencode({"source": "HR nightly", **SAID, **changed})
    return Client().post(  # type: ignore[return-value]
        f"{reverse('import_api')}?{query}", data, content_type="text/csv", headers=headers
    )


def test_a_signed_file_is_the_systems_own(hr: Source, import_token: TokenFor) -> None:
    assert push(import_token(hr), signed()).status_code == 202
    run = ImportRun.objects.get()
    assert run.provenance == ImportRun.Provenance.SIGNED
    assert (run.filter_text, run.source_count) == (SAID["filter"], 1)
    facts = Payload.objects.get(event__verb=Verb.IMPORT_RECEIVED).facts
    assert facts is not None
    assert facts["provenance"] == "signed"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_makes_the_same_signature() -> None:
    text = "\n".join(
        [
            "portal-push-v1",
            "hr",
            hashlib.sha256(HR).hexdigest(),
            SAID["taken_at"],
            SAID["count"],
            SAID["filter"],
        ]
    )
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRET], input=text.encode(), capture_output=True, check=True
    )
    assert made.stdout.decode().split()[-1] == signed()


@pytest.mark.parametrize(
    ("signature", "changed"),
    [
        (None, {}),
        ("", {}),
        ("00", {}),
        (signed(secret="another-secret-0123456789-0123456789"), {}),
        (signed(name="other"), {}),
        (signed(HR + b"2,Bob\n"), {}),
        (signed(), {"taken_at": "2026-03-06T08:00:00Z"}),
        (signed(), {"count": "2"}),
        (signed(), {"filter": "select * from staff"}),
    ],
)
def test_without_the_right_signature_nothing_is_kept(
    hr: Source, import_token: TokenFor, signature: str | None, changed: dict[str, str]
) -> None:
    response = push(import_token(hr), signature, HR, **changed)
    assert response.status_code == 403
    assert response.json()["error"].startswith("signature_")  # type: ignore[attr-defined]
    assert SECRET not in response.text
    assert not ImportRun.objects.exists()


def test_the_moment_at_the_source_is_part_of_what_is_signed(hr: Source, import_token: TokenFor) -> None:
    response = push(import_token(hr), signed(taken_at=""), taken_at="")
    assert (response.status_code, response.json()["error"]) == (403, "taken_at")  # type: ignore[attr-defined]


def test_a_short_secret_is_none(hr: Source, import_token: TokenFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PUSH_HR_SECRET", "short")
    response = push(import_token(hr), signed(secret="short"))
    assert response.json()["error"] == "secret_too_short"  # type: ignore[attr-defined]


def test_a_signature_that_nobody_can_check_means_nothing(
    hr: Source, import_token: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORTAL_PUSH_HR_SECRET")
    token = import_token(hr)
    assert push(token, signed()).json()["error"] == "signature_unknown"  # type: ignore[attr-defined]
    assert push(token, None).status_code == 202
    assert ImportRun.objects.get().provenance == ImportRun.Provenance.PUSHED
