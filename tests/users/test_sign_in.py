"""Coming in: password, second factor, single sign-on; the same answer whoever knocks."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users.models import User
from tests.factories.people import PASSWORD, People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_rate_limit_of_other_tests() -> None:
    cache.clear()


def sign_in(email: str, password: str = PASSWORD) -> tuple[Client, object]:
    client = Client()
    return client, client.post(reverse("account_login"), {"login": email, "password": password})


def test_a_password_opens_and_is_recorded(people: People) -> None:
    client, response = sign_in("Tomas@nordhaven.test")
    assert response.status_code == 302  # type: ignore[attr-defined]
    assert client.get(reverse("home")).status_code == 200
    event = Event.objects.about(people.tomas).get(verb=Verb.USER_SIGNED_IN)
    assert event.facts == {"factors": ["password"]}


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("tomas@nordhaven.test", "wrong"),
        ("nobody@nordhaven.test", PASSWORD),
        ("elena@nordhaven.test", PASSWORD),
    ],
    ids=["wrong password", "unknown address", "ended user"],
)
def test_every_refusal_reads_the_same(people: People, email: str, password: str) -> None:
    User.objects.filter(pk=people.elena.pk).update(is_active=False)
    client, response = sign_in(email, password)
    assert client.get(reverse("home")).status_code == 302
    assert response.status_code in {200, 302}  # type: ignore[attr-defined]
    assert not Event.objects.filter(verb=Verb.USER_SIGNED_IN).exists()


def test_wrong_and_unknown_give_the_same_page(people: People) -> None:
    pages = [sign_in(email, "wrong")[1].text for email in ("tomas@nordhaven.test", "nobody@nordhaven.test")]  # type: ignore[attr-defined]
    changing = r"tomas@nordhaven.test|nobody@nordhaven.test|[A-Za-z0-9]{64}"
    neutral = [re.sub(changing, "…", page) for page in pages]
    assert neutral[0] == neutral[1]


def test_a_failed_password_is_recorded_without_what_was_typed(people: People) -> None:
    sign_in("tomas@nordhaven.test", "hunter2-typed-by-mistake")
    event = Event.objects.about(people.tomas).get(verb=Verb.USER_SIGN_IN_FAILED)
    assert b"hunter2" not in bytes(event.payload.body or b"")


def test_nobody_signs_up(people: People) -> None:
    form = {"email": "stranger@nordhaven.test", "password1": "a long enough password"}
    Client().post(reverse("account_signup"), form)
    assert not User.objects.filter(email="stranger@nordhaven.test").exists()


def test_a_second_factor_is_asked_for(people: People) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    TOTP.activate(people.tomas, secret)
    client, response = sign_in("tomas@nordhaven.test")
    assert response.url == reverse("mfa_authenticate")  # type: ignore[attr-defined]
    assert client.get(reverse("home")).status_code == 302
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert wrong.status_code == 200
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter))
    assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    assert client.get(reverse("home")).status_code == 200
    stored = Authenticator.objects.get(user=people.tomas).data["secret"]
    assert get_adapter().decrypt(stored) == secret


class Provider(BaseHTTPRequestHandler):
    """A single sign-on provider that only describes itself."""

    def do_GET(self) -> None:
        origin = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        body = json.dumps(
            {
                "issuer": origin,
                "authorization_endpoint": f"{origin}/authorize",
                "token_endpoint": f"{origin}/token",
                "userinfo_endpoint": f"{origin}/userinfo",
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_single_sign_on_asks_with_state_and_pkce(people: People, provider: str, settings: Settings) -> None:
    app = {
        "provider_id": "sso",
        "name": "Single sign-on",
        "client_id": "portal",
        "secret": "s",
        "settings": {"server_url": provider, "oauth_pkce_enabled": True},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    assert "Single sign-on" in Client().get(reverse("account_login")).text
    response = Client().post(reverse("openid_connect_login", args=["sso"]))
    asked = parse_qs(urlsplit(response["Location"]).query)
    assert response["Location"].startswith(f"{provider}/authorize")
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["state"][0]
