"""The way in: in the portal's own words, telling strangers nothing."""

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client, override_settings

from portal.users.models import User
from tests.ui.conftest import face_settings

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def door() -> Iterator[None]:
    cache.clear()  # tries are counted there
    with override_settings(
        **{**face_settings(), "ROOT_URLCONF": "tests.ui.door_urls", "ORGANISATION": "Fjordpay & Sons"}
    ):
        yield


@pytest.fixture
def tomas() -> User:
    return User.objects.create_user("tomas@nordhaven.example", PASSWORD, name="Tomas Brandt")


def text(html: bytes) -> str:
    """What somebody reads, without what differs in every answer."""
    words = re.sub(r'value="[^"]*"|"X-CSRFToken": "\w+"|<[^>]+>', " ", html.decode())
    return " ".join(words.split())


def sign_in(client: Client, email: str, password: str = PASSWORD) -> bytes:
    return client.post("/sign-in/login/", {"login": email, "password": password}, follow=True).content


def test_the_page_names_the_organisation_and_asks_for_a_password(client: Client) -> None:
    html = client.get("/sign-in/login/").content.decode()
    assert "To the governance portal of Fjordpay &amp; Sons." in html
    assert 'autocomplete="current-password"' in html
    assert 'autocomplete="email"' in html
    assert "Continue with" not in html


def test_single_sign_on_is_offered_where_it_is_set_up(client: Client) -> None:
    apps = [{"provider_id": "sso", "name": "Nordhaven SSO", "client_id": "x", "secret": "y", "settings": {}}]
    with override_settings(SOCIALACCOUNT_PROVIDERS={"openid_connect": {"APPS": apps}}):
        html = client.get("/sign-in/login/?next=/reviews/").content.decode()
    assert "Continue with Nordhaven SSO" in html
    assert re.search(r'<form method="post" action="/sign-in/oidc/sso/login/\?[^"]*next=%2Freviews%2F', html)


def test_a_wrong_password_and_an_unknown_address_read_the_same(client: Client, tomas: User) -> None:
    known = text(sign_in(client, tomas.email, "wrong"))
    unknown = text(sign_in(client, "nobody@nordhaven.example", "wrong"))
    assert "not correct" in known
    assert known == unknown


def test_asking_for_a_new_password_reads_the_same_for_all(client: Client, tomas: User) -> None:
    answers = {
        text(client.post("/sign-in/password/reset/", {"email": email}, follow=True).content)
        for email in (tomas.email, "nobody@nordhaven.example")
    }
    assert len(answers) == 1
    assert "If a portal user has that address" in answers.pop()


def test_the_right_password_lets_in(client: Client, tomas: User) -> None:
    html = sign_in(client, tomas.email).decode()
    assert "Workbench" in html
    assert "Tomas Brandt" in html
    assert "Sign out" in html


def test_a_second_factor_is_asked_for_and_a_wrong_one_refused(client: Client, tomas: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(tomas, secret)
    assert "One more step" in sign_in(client, tomas.email).decode()
    refused = client.post("/sign-in/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert 'aria-invalid="true"' in refused
    assert "One more step" in refused


def test_nobody_signs_up(client: Client) -> None:
    assert "Nobody signs up here." in client.get("/sign-in/signup/").content.decode()


def test_a_used_link_for_a_password_says_what_to_do(client: Client) -> None:
    html = client.get("/sign-in/password/reset/key/1-set-password/").content.decode()
    assert "This link no longer works." in html
    assert "/sign-in/password/reset/" in html


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/sign-in/2fa/", "Authenticator app"),
        ("/sign-in/2fa/webauthn/", "Security keys"),
        ("/sign-in/password/change/", "Change your password"),
        ("/sign-in/sessions/", "Where you are signed in"),
        ("/sign-in/logout/", "What you decided is kept."),
    ],
)
def test_each_page_about_signing_in_has_one_heading_and_its_words(
    client: Client, tomas: User, path: str, words: str
) -> None:
    sign_in(client, tomas.email)
    html = client.get(path).content.decode()
    assert words in html
    assert html.count("<h1>") == 1


def test_too_many_tries_are_refused_in_words(client: Client, tomas: User) -> None:
    answers = [client.post("/sign-in/login/", {"login": tomas.email, "password": "wrong"}) for _ in range(12)]
    last = answers[-1]
    assert "too many" in last.content.decode().lower()
