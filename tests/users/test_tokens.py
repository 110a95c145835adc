"""Tokens of machines: shown once, kept as a digest, always with an end."""

from datetime import timedelta

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.urls import reverse

from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users import services
from portal.users.bearer import token_required
from portal.users.models import Token, User
from portal.users.roles import Role
from tests.conftest import As
from tests.factories.people import People, user

pytestmark = pytest.mark.django_db


@token_required("recording")
def door(request: HttpRequest, token: Token) -> HttpResponse:
    return JsonResponse({"user": token.user.name})


@pytest.fixture
def recorder(people: People) -> User:
    return user("rec-jump", Role.RECORDER, kind=User.Kind.MACHINE)


def knock(secret: str | None) -> HttpResponse:
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return door(RequestFactory().post("/", headers=headers))


def test_the_secret_is_shown_once_and_opens_the_door(people: People, recorder: User, as_: As) -> None:
    form = {"user": recorder.pk, "label": "jump host", "scopes": ["recording"], "days": 30}
    page = as_(people.mikael).post(reverse("token_list"), form)
    token = Token.objects.get()
    secret = page.context["secret"]
    assert secret in page.text
    assert secret not in as_(people.mikael).get(reverse("token_list")).text
    assert knock(secret).status_code == 200
    assert Event.objects.about(token).filter(verb=Verb.TOKEN_ISSUED).exists()
    assert secret.encode() not in bytes(token.digest)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (lambda _token: None, 200),
        (
            lambda _token: Token.objects.update(
                expires_at=moment.now(), issued_at=moment.now() - timedelta(1)
            ),
            401,
        ),
        (lambda _token: Token.objects.update(revoked_at=moment.now()), 401),
        (lambda token: User.objects.filter(pk=token.user_id).update(is_active=False), 401),
        (lambda token: User.objects.filter(pk=token.user_id).update(access_epoch=9), 401),
        (lambda _token: Token.objects.update(scopes=["import"]), 403),
    ],
    ids=["usable", "expired", "revoked", "user ended", "epoch moved", "other scope"],
)
def test_what_ends_a_token(people: People, recorder: User, ending: object, status: int) -> None:
    token, secret = services.issue_token(recorder, label="x", scopes=["recording"], days=1, by=people.mikael)
    ending(token)  # type: ignore[operator]
    assert knock(secret).status_code == status


@pytest.mark.parametrize("secret", [None, "", "gp_wrong", "Bearer"])
def test_without_a_token_there_is_one_answer(db: None, secret: str | None) -> None:
    response = knock(secret)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_people_get_no_tokens(people: People, as_: As) -> None:
    form = {"user": people.tomas.pk, "label": "x", "scopes": ["recording"], "days": 30}
    as_(people.mikael).post(reverse("token_list"), form)
    assert not Token.objects.exists()


@pytest.mark.parametrize("days", [0, 367, -1])
def test_a_token_always_ends_within_a_year(people: People, recorder: User, as_: As, days: int) -> None:
    form = {"user": recorder.pk, "label": "x", "scopes": ["recording"], "days": days}
    as_(people.mikael).post(reverse("token_list"), form)
    assert not Token.objects.exists()


@pytest.mark.parametrize("who", ["ines", "tomas", "farid", "omar"])
def test_nobody_else_issues_tokens(people: People, as_: As, who: str) -> None:
    assert as_(people.by_role[who]).get(reverse("token_list")).status_code == 403
