"""What a leaver holds, by kind: each answer looks only, and names what it settles."""

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts import ports
from accounts.models import Account, CaseLine, Credential, Grant, Identity, Membership
from portal import moment
from portal.audit.models import Event
from portal.users import services
from portal.users.models import User
from portal.users.roles import Role
from tests.factories import inventory, leaver
from tests.factories import people as factory
from tests.factories.leaver import Leaver
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(people: People) -> Leaver:
    return leaver.dana(people)


def labels(person: Identity, kind: str) -> list[str]:
    return sorted(holding.label for holding in ports.holdings.ask(person)[kind])


def test_each_answer_gives_its_own_kind_and_settles_it(dana: Leaver) -> None:
    answers = ports.holdings.ask(dana.person)
    assert set(answers) == set(ports.settle.keys)
    for key, found in answers.items():
        assert {holding.kind for holding in found} <= {key}
        assert len(key) <= (CaseLine._meta.get_field("kind").max_length or 0)
        assert ports.words_for(key)


def test_nothing_is_changed_by_asking(people: People, dana: Leaver) -> None:
    before = Event.objects.count(), Identity.objects.get(pk=dana.watched.pk).version
    ports.holdings.ask(dana.person)
    assert (Event.objects.count(), Identity.objects.get(pk=dana.watched.pk).version) == before


def test_accounts_rights_and_credentials_that_are_gone_do_not_count(dana: Leaver) -> None:
    later = leaver.reading(dana.core, leaver.HOUR)
    Grant.objects.filter(pk=dana.grant.pk).update(
        held=DateTimeTZRange(inventory.LONG_AGO, leaver.HOUR), known_to_run=later
    )
    Credential.objects.filter(pk=dana.key.pk).update(gone_run=later)
    assert labels(dana.person, "grant") == labels(dana.person, "credential") == []
    assert labels(dana.person, "account") == ["dkovac on CORE"]
    Account.objects.filter(pk=dana.account.pk).update(gone_run=later)
    assert labels(dana.person, "account") == []


def test_a_right_through_a_group_says_so(dana: Leaver) -> None:
    group = inventory.entitlement(dana.core, "ops-night", first_run=dana.account.first_run)
    inventory.grant(dana.account, dana.right, via=group)
    assert "LEDGER_ADMIN · dkovac on CORE, through ops-night" in labels(dana.person, "grant")


def test_a_second_factor_opens_nothing(dana: Leaver) -> None:
    inventory.credential(dana.account, Credential.Kind.MFA_DEVICE, "MFA")
    inventory.credential(dana.account, Credential.Kind.PASSWORD, "password", is_active=False)
    found = labels(dana.person, "credential")
    assert found == ["SSH key SHA256:dana · dkovac on CORE", "password password · dkovac on CORE"]


def test_memberships_that_ended_do_not_count(dana: Leaver) -> None:
    Membership.objects.filter(account=dana.shared).update(
        during=DateTimeTZRange(inventory.LONG_AGO, leaver.BEFORE)
    )
    assert labels(dana.person, "membership") == ["bg-core-1 on CORE"]


def test_what_is_of_others_does_not_count(people: People, dana: Leaver) -> None:
    assert {
        kind for kind, found in ports.holdings.ask(factory.identity_of(people.omar)).items() if found
    } == {"sign_in"}


def test_machines_they_stand_in_for_count(dana: Leaver) -> None:
    other = inventory.identity("svc-left", "service", owner=dana.deputy, stand_in=dana.person)
    retired = inventory.identity("svc-old", "service", owner=dana.person, status=Identity.Status.LEFT)
    found = labels(dana.person, "machine")
    assert other.name in found
    assert retired.name not in found


def test_tokens_they_issued_count_until_they_end(people: People, dana: Leaver) -> None:
    recorder = factory.user("rec-jump", Role.RECORDER, kind=User.Kind.MACHINE)
    token, _secret = services.issue_token(recorder, label="jump", scopes=[], days=90, by=dana.user)
    assert labels(dana.person, "token") == [f"{token} · rec-jump"]
    with moment.simulated(token.expires_at + timedelta(seconds=1)):
        assert labels(dana.person, "token") == []
