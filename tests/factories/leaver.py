"""Dana Kovac, who is to leave, with something of every kind; and readings that prove what became of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import (
    Account,
    Credential,
    Engagement,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Membership,
    OffboardingCase,
    Source,
    System,
)
from accounts.services import offboarding
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users.models import User
from tests.factories import inventory
from tests.factories.people import People, identity_of, user

HOUR = datetime(2026, 10, 6, 14, 0, tzinfo=UTC)  # 16:00 in Berlin
BEFORE = HOUR - timedelta(hours=6)
ON_THE_WALL = datetime(2026, 10, 6, 16, 0)  # noqa: DTZ001 - what a clock on a wall shows


@dataclass
class Leaver:
    """Dana and what she holds."""

    person: Identity
    user: User
    core: System
    account: Account
    right: Entitlement
    grant: Grant
    key: Credential
    shared: Account
    emergency: Account
    watched: Identity  # a machine with a deputy
    lonely: Identity  # a machine without
    deputy: Identity


def dana(people: People) -> Leaver:
    """Made once per test; Aiko carries out on CORE, whose owner is Leon."""
    leon = inventory.identity("Leon Weiss", email="leon@nordhaven.test")
    person = inventory.identity(
        "Dana Kovac",
        email="dana@nordhaven.test",
        title="Database administrator",
        department="Core banking",
        manager=identity_of(people.tomas),
    )
    hr = inventory.source(None, name="HR")
    Engagement.objects.create(
        identity=person, source=hr, number="E-1044", employer="Nordhaven", first_run=inventory.run(hr)
    )
    core = inventory.system("CORE", owner=leon, removal_days=2)
    core.carriers.add(identity_of(people.aiko))
    first = reading(core, inventory.LONG_AGO)
    account = inventory.account(
        core, person, "dkovac", kind=Account.Kind.PERSONAL, is_enabled=True, first_run=first
    )
    right = inventory.entitlement(
        core, "LEDGER_ADMIN", plain_words="May change booked payments", first_run=first
    )
    shared = inventory.account(core, None, "opsdesk", kind=Account.Kind.SHARED, first_run=first)
    emergency = inventory.account(core, None, "bg-core-1", kind=Account.Kind.EMERGENCY, first_run=first)
    for one in (shared, emergency):
        Membership.objects.create(
            account=one, identity=person, during=DateTimeTZRange(inventory.LONG_AGO, None)
        )
    return Leaver(
        person=person,
        user=user("Dana Kovac", identity=person),
        core=core,
        account=account,
        right=right,
        grant=inventory.grant(account, right),
        key=inventory.credential(account, "ssh_key", "SHA256:dana"),
        shared=shared,
        emergency=emergency,
        watched=inventory.identity("bot-recon", "bot", owner=person, deputy=leon),
        lonely=inventory.identity("svc-fx", "service", owner=person),
        deputy=leon,
    )


def planned(leaver: Leaver, by: User, at: datetime = BEFORE) -> OffboardingCase:
    """A case planned by HR for 16:00 in Berlin."""
    with moment.simulated(at):
        return offboarding.schedule(
            leaver.person,
            reason=OffboardingCase.Reason.DISMISSED,
            local_time=ON_THE_WALL,
            zone="Europe/Berlin",
            actor=by.actor,
        )


def begun(leaver: Leaver, by: User, at: datetime = HOUR) -> OffboardingCase:
    """The same, after its hour."""
    case = planned(leaver, by)
    with moment.simulated(at):
        return offboarding.begin(case, at=at)


def reading(system: System, taken_at: datetime) -> ImportRun:
    """A complete reading of the system."""
    source = Source.objects.filter(system=system).first() or inventory.source(system)
    return inventory.run(source, taken_at)


def facts(subject: models.Model, verb: Verb) -> dict[str, Any]:
    """What the one event of this verb about the subject says."""
    return dict(Event.objects.about(subject).get(verb=verb).payload.facts or {})
