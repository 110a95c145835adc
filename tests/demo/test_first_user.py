"""The way in where nobody can make portal users: on a new portal, and after the last administrator left."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.users import services
from portal.users.models import User
from portal.users.roles import Role
from tests.factories import inventory

pytestmark = pytest.mark.django_db


def first_user(*words: str) -> str:
    out = StringIO()
    call_command("first_user", *words, stdout=out)
    return out.getvalue()


def test_it_makes_an_administrator_and_says_the_password_once() -> None:
    said = first_user("Mikael Strand", "Mikael@Nordhaven.example", "iam", "compliance")
    user = User.objects.get()
    password = said.partition("password: ")[2].split()[0]
    assert user.email == "mikael@nordhaven.example"
    assert user.roles == ["compliance", "iam"]
    assert user.check_password(password)
    assert len(password) == 16
    event = Event.objects.get(verb="user.created")
    assert event.actor_kind == "portal"
    assert password not in str(event.payload.facts)


def test_it_is_tied_to_the_person_whom_hr_knows_by_the_address() -> None:
    person = inventory.identity("Mikael Strand", email="mikael@nordhaven.example")
    first_user("Mikael Strand", "mikael@nordhaven.example", "iam")
    assert User.objects.get().identity_id == person.pk


def test_it_refuses_while_there_is_an_administrator() -> None:
    services.create(email="a@b.example", name="Somebody", roles=[Role.IAM], actor=PORTAL)
    with pytest.raises(CommandError, match="Somebody"):
        first_user("Another", "other@b.example", "iam")
    assert User.objects.count() == 1


def test_it_makes_the_next_one_when_the_last_has_left() -> None:
    last = services.create(email="a@b.example", name="Somebody", roles=[Role.IAM], actor=PORTAL)
    services.end_sign_in(last, actor=PORTAL, at=datetime.now(UTC), because="OFF-2026-01")
    first_user("Another", "other@b.example", "iam")
    assert User.objects.filter(is_active=True).get().name == "Another"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("A", "a@b.example", "auditor"), "add the role iam"),
        (("A", "a@b.example", "king"), "invalid choice"),
        (("A", "nonsense", "iam"), "email"),
        (("A", "a@b.example"), "ROLE"),
    ],
)
def test_what_can_not_be_is_said_in_a_line(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        first_user(*words)
    assert not User.objects.exists()
