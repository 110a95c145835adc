"""Who sees rows of the inventory without a role: those who answer for them, and nobody by the way."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from accounts.models import (
    Account,
    Credential,
    Grant,
    Identity,
    ImportRun,
    Revocation,
    RevocationCause,
    Source,
    System,
    SystemShare,
)
from accounts.services import revocations
from portal import moment
from portal.users.models import User
from tests.factories import leaver
from tests.factories import people as factory
from tests.factories.leaver import Leaver
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(people: People) -> Leaver:
    found = leaver.dana(people)
    revocations.decide_and_request(
        found.grant,
        act=Revocation.Act.REMOVE,
        cause=revocations.Cause(RevocationCause.Kind.DECISION, "1"),
        actor=people.ines.actor,
    )
    return found


def seen(user: User) -> dict[str, int]:
    models = (Identity, System, Account, Grant, Credential, Revocation, Source, ImportRun)
    counts = {model.__name__: model.objects.visible_to(user).count() for model in models}
    return {name: number for name, number in counts.items() if number}


def test_oneself_sees_oneself(people: People, dana: Leaver) -> None:
    own = {"Identity": 3, "Account": 1, "Grant": 1, "Credential": 1}  # herself and her two machines
    assert seen(dana.user) == own


def test_a_manager_sees_their_people_and_not_what_these_hold(people: People, dana: Leaver) -> None:
    assert set(Identity.objects.visible_to(people.tomas)) == {
        dana.person,
        factory.identity_of(people.tomas),
    }
    assert seen(people.tomas) == {"Identity": 2}


def test_an_owner_of_a_system_sees_what_is_on_it(people: People, dana: Leaver) -> None:
    leon = factory.user("Leon Weiss", identity=dana.deputy)
    assert seen(leon) == {
        "Identity": 2,  # himself, and the machine he is deputy of
        "System": 1,
        "Account": 3,
        "Grant": 1,
        "Credential": 1,
        "Revocation": 1,
        "Source": 1,
        "ImportRun": 1,
    }


def test_who_carries_out_sees_removals_and_readings_and_no_rights(people: People, dana: Leaver) -> None:
    assert seen(people.aiko) == {"Identity": 1, "System": 1, "Revocation": 1, "Source": 1, "ImportRun": 1}


def test_who_stands_in_sees_the_machine(people: People, dana: Leaver) -> None:
    Identity.objects.filter(pk=dana.lonely.pk).update(stand_in=factory.identity_of(people.omar))
    assert dana.lonely in Identity.objects.visible_to(people.omar)


def test_a_share_shows_one_system_until_its_end(people: People, dana: Leaver) -> None:
    at = moment.now()
    shared = SystemShare.objects.create(
        user=people.elena,
        permission=Permission.objects.get(content_type__app_label="accounts", codename="view_system"),
        content_object=dana.core,
        until=at + timedelta(days=1),
        shared_by=people.ines,
        shared_at=at,
    )
    assert seen(people.elena) == {"System": 1, "Account": 3, "Grant": 1, "Credential": 1}
    SystemShare.objects.filter(pk=shared.pk).update(until=at - timedelta(seconds=1))
    assert seen(people.elena) == {}


@pytest.mark.parametrize("who", ["omar", "elena"])
def test_nobody_else_sees_anything_but_themselves(people: People, dana: Leaver, who: str) -> None:
    assert set(seen(people.by_role[who])) <= {"Identity"}


def test_a_sign_in_that_has_ended_sees_nothing(people: People, dana: Leaver) -> None:
    leaver.begun(dana, people.ruth)
    dana.user.refresh_from_db()
    assert seen(dana.user) == {}
