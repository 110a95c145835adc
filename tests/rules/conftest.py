"""What the tables of the rules share: systems, and asking one rule."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model

from accounts.models import Account, Credential, Grant, Identity, System
from portal import moment
from reviews.models import Evaluation, Finding
from reviews.rules import RULES, engine, settings
from tests.factories import inventory

Ask = Callable[..., dict[str, Finding]]


@pytest.fixture
def core(db: None) -> System:
    """A system in production."""
    return inventory.system("CORE")


@pytest.fixture
def lab(db: None) -> System:
    """A system for tests."""
    return inventory.system("LAB", environment=System.Environment.TEST)


@pytest.fixture
def ask(db: None) -> Ask:
    """`ask("N7.1", other=30)` asks one rule with thresholds of its own: open findings by subject's key."""

    def asked(code: str, at: datetime | None = None, **thresholds: object) -> dict[str, Finding]:
        kept = settings.all_kept([code])[code]
        kept.thresholds = RULES[code].checked(thresholds)
        kept.save()
        engine.evaluate([code], trigger=Evaluation.Trigger.NIGHT, at=at)
        found = Finding.objects.open().filter(rule=code)
        assert len({(one.subject_type, one.subject_id) for one in found}) == len(found)
        return {one.subject_id: one for one in found}

    return asked


def fires(found: dict[str, Finding], subject: Model) -> bool:
    """Whether the rule found just this subject, or nothing at all."""
    if str(subject.pk) in found:
        assert found[str(subject.pk)].subject_type == subject._meta.label_lower
    assert set(found) <= {str(subject.pk)}
    return str(subject.pk) in found


def ago(days: float, hours: float = 0) -> datetime:
    """Before now."""
    return moment.now() - timedelta(days=days, hours=hours)


def machine(system: System | None = None, **fields: Any) -> Identity:
    """A service account with an owner, and an account on the system if one is given."""
    if "owner" not in fields:
        fields["owner"] = inventory.identity()
    made = inventory.identity(kind=str(fields.pop("kind", "service")), **fields)
    if system is not None:
        inventory.account(system, made, kind=Account.Kind.MACHINE)
    return made


def account_of(identity: Identity) -> Account:
    """Its one account."""
    return Account.objects.get(identity=identity)


def privileged(identity: Identity, **fields: Any) -> Grant:
    """A privileged right for its one account."""
    account = account_of(identity)
    return inventory.grant(account, inventory.entitlement(account.system), **fields)


def key_of(identity: Identity, kind: str = "access_key", **fields: Any) -> Credential:
    """A credential for its one account."""
    return inventory.credential(account_of(identity), kind, **fields)
