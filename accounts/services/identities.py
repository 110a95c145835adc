"""Verbs about identities and the accounts that belong to them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, Application, Identity
from portal.audit import cards
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change

# What whoever answers for a machine knows best, and what only those who keep the inventory may change.
TOLD = (
    "purpose", "rhythm", "environment", "consumers", "vendor", "vendor_contact", "contract_end", "review_by",
)  # fmt: skip
KEPT = ("name", "kind", "application")
EDITABLE = frozenset({*TOLD, *KEPT})


@transaction.atomic
def create(*, name: str, kind: Identity.Kind, actor: Actor, **fields: object) -> Identity:
    """A machine that no import brought. People come from HR."""
    if kind == Identity.Kind.HUMAN:
        raise ValidationError(_("People come from an HR reading; only machines are made by hand."))
    made = Identity(name=name.strip(), kind=kind, **{key: fields[key] for key in fields if key in EDITABLE})
    _not_retired(made.application)
    made.card = cards.write("identity", made.pk, {"kind": kind, "name": made.name})
    made.full_clean(exclude=["card"])
    made.save()
    record(Verb.IDENTITY_CREATED, made, actor=actor, facts={"kind": kind, "card": made.card})
    return made


@transaction.atomic
def edit(identity: Identity, values: Mapping[str, object], *, version: int | None, actor: Actor) -> Identity:
    """Change what is known of a machine; a new name writes a new card."""
    changes: dict[str, Any] = {
        key: value for key, value in values.items() if key in EDITABLE and value != getattr(identity, key)
    }
    if not changes:
        return identity
    if identity.is_human:
        raise ValidationError(_("What is known of people comes from HR."))
    _not_retired(changes.get("application"))
    if {"name", "kind"} & changes.keys():
        names = {"kind": changes.get("kind", identity.kind), "name": changes.get("name", identity.name)}
        changes["card"] = cards.write("identity", identity.pk, names)
    change(identity, version, **changes)
    facts: dict[str, object] = {"fields": sorted(changes), "card": identity.card}
    if "application" in changes:
        facts["application"] = identity.application_id
    record(Verb.IDENTITY_EDITED, identity, actor=actor, facts=facts)
    return identity


@transaction.atomic
def link_account(account: Account, identity: Identity, *, version: int | None, actor: Actor) -> Account:
    """Say by hand whose account this is; it settles any doubt."""
    if identity.status == Identity.Status.LEFT:
        raise ValidationError(
            _("%(name)s has left. Remove the account instead of linking it.") % {"name": identity}
        )
    before = account.identity_id
    change(
        account,
        version,
        identity=identity,
        match_method=Account.Match.HAND,
        confidence=100,
        claims=[],
        doubt="",
    )
    facts = {
        "account_card": account.card,
        "identity": identity.pk,
        "identity_card": identity.card,
        "before": before,
    }
    record(Verb.ACCOUNT_LINKED, account, actor=actor, facts=facts)
    return account


@transaction.atomic
def unlink_account(account: Account, *, version: int | None, actor: Actor) -> Account:
    """The account belongs to nobody known again."""
    before = account.identity_id
    change(account, version, identity=None, match_method="", confidence=None)
    record(
        Verb.ACCOUNT_UNLINKED, account, actor=actor, facts={"account_card": account.card, "before": before}
    )
    return account


def _not_retired(application: Application | None) -> None:
    if application is not None and application.status == Application.Status.RETIRED:
        raise ValidationError({"application": _("This application is retired. Choose another one.")})
