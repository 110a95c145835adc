"""What this app tells of an identity: its engagements, accounts, rights, owners, removals, and the log."""

from typing import Any

from django.db.models import (
    Case,
    CharField,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, Lower, Upper

from accounts.models import Account, Credential, Grant, Identity, ImportRun, Ownership, Revocation
from accounts.models.timeline import Told, told
from accounts.ports import timeline
from portal.audit.models import Card, Event
from portal.users.guards import allowed
from portal.users.models import User
from portal.users.permissions import Perm

ON_ACCOUNT = ("account__name", Value("@"), "account__system__code")
RIGHT = Concat("entitlement__name", Value(", "), *ON_ACCOUNT)


@timeline.answered_by("engagements")
def engagements(identity: Identity, user: User) -> list[Told]:  # noqa: ARG001 - seen with the identity
    """From HR: when each began and ended."""
    rows = identity.engagements.all()
    name = Concat("number", Value(" "), Coalesce("employer", Value("")))
    return [
        told(
            rows, at=F("starts_on"), code="engagement_began", name=name, detail=F("department"), key=F("pk")
        ),
        told(rows, at=F("ends_on"), code="engagement_ends", name=name, key=F("pk")),
    ]


@timeline.answered_by("accounts")
def accounts(identity: Identity, user: User) -> list[Told]:
    """Made, first seen, and gone; credentials too."""
    rows = Account.objects.visible_to(user).filter(identity=identity)
    name = Concat("name", Value("@"), "system__code")
    keys = Credential.objects.visible_to(user).filter(account__identity=identity)
    key = Concat("fingerprint", Value(", "), *ON_ACCOUNT)
    page: dict[str, Any] = {"page": "account", "key": F("pk")}
    seen = Coalesce("first_run__taken_at", "first_run__received_at")
    return [
        told(rows, at=F("created_at"), code="account_made", name=name, **page),
        told(rows, at=seen, code="account_seen", name=name, detail=F("first_run__source__name"), **page),
        told(rows, at=F("gone_at"), code="account_gone", name=name, **page),
        told(keys, at=F("created_at"), code="credential_made", name=key, detail=F("kind"), key=F("pk")),
        told(keys, at=F("rotated_at"), code="credential_rotated", name=key, detail=F("kind"), key=F("pk")),
        told(keys, at=F("gone_at"), code="credential_gone", name=key, detail=F("kind"), key=F("pk")),
    ]


@timeline.answered_by("rights")
def rights(identity: Identity, user: User) -> list[Told]:
    """Gained and lost; where the beginning is unknown, when a reading first showed it."""
    rows = Grant.objects.visible_to(user).filter(account__identity=identity)
    shown = Coalesce("known_from_run__taken_at", "known_from_run__received_at")
    seen = rows.filter(held__lower_inf=True)
    return [
        told(rows, at=Lower("held"), code="right_gained", name=RIGHT, page="grant", key=F("pk")),
        told(seen, at=shown, code="right_seen", name=RIGHT, page="grant", key=F("pk")),
        told(rows, at=Upper("held"), code="right_gone", name=RIGHT, page="grant", key=F("pk")),
    ]


@timeline.answered_by("readings")
def readings(identity: Identity, user: User) -> list[Told]:
    """Those that showed something new of it, or that something was gone."""
    grants = Grant.objects.visible_to(user).filter(account__identity=identity)
    its = Account.objects.visible_to(user).filter(identity=identity)
    telling = (
        Q(pk__in=grants.values("known_from_run"))
        | Q(pk__in=grants.filter(known_to_run__isnull=False).values("known_to_run"))
        | Q(pk__in=its.values("first_run"))
        | Q(pk__in=its.filter(gone_run__isnull=False).values("gone_run"))
    )
    rows = ImportRun.objects.visible_to(user).filter(telling)
    at = Coalesce("taken_at", "received_at")
    return [
        told(
            rows,
            at=at,
            code="reading",
            name=F("source__name"),
            detail=F("provenance"),
            page="import_run",
            key=F("pk"),
        )
    ]


@timeline.answered_by("owners")
def owners(identity: Identity, user: User) -> list[Told]:
    """Who answered for it; of a person, what they answered for as far as that may be seen."""
    rows, held = (
        identity.ownerships.all(),
        Ownership.objects.filter(holder=identity, identity__in=Identity.objects.visible_to(user)),
    )
    return [
        told(
            rows,
            at=Lower("during"),
            code=Concat(Value("named_"), "role"),
            name=F("holder__name"),
            key=F("pk"),
        ),
        told(rows, at=F("accepted_at"), code="owner_accepted", name=F("holder__name"), key=F("pk")),
        told(
            rows,
            at=Upper("during"),
            code=Concat(Value("ended_"), "role"),
            name=F("holder__name"),
            key=F("pk"),
        ),
        told(
            held,
            at=Lower("during"),
            code=Concat(Value("became_"), "role"),
            name=F("identity__name"),
            page="identity",
            key=F("identity_id"),
        ),
        told(
            held,
            at=Upper("during"),
            code=Concat(Value("left_"), "role"),
            name=F("identity__name"),
            page="identity",
            key=F("identity_id"),
        ),
    ]


@timeline.answered_by("removals")
def removals(identity: Identity, user: User) -> list[Told]:
    """Each step of what was asked to go."""
    whose = Q(grant__account__identity=identity) | Q(credential__account__identity=identity)
    rows = Revocation.objects.visible_to(user).filter(whose | Q(account__identity=identity))
    name = Coalesce(
        Concat("grant__entitlement__name", Value(", "), "grant__account__name"),
        "credential__fingerprint",
        "account__name",
    )
    steps = ("decided_at", "requested_at", "reported_at", "verified_at", "withdrawn_at")
    # What was limited, rotated or disabled is proven, but not gone.
    proven = Case(
        When(act=Revocation.Act.REMOVE, then=Value("removal_verified")), default=Value("act_verified")
    )
    return [
        told(
            rows,
            at=F(step),
            code=proven if step == "verified_at" else f"removal_{step.removesuffix('_at')}",
            name=name,
            detail=F("act"),
            page="revocation",
            key=F("pk"),
        )
        for step in steps
    ]


@timeline.answered_by("log")
def log(identity: Identity, user: User) -> list[Told]:
    """What the log says of it and of its accounts, by whom, for whoever reads the log."""
    if not allowed(user, Perm.AUDIT_VIEW):
        return []
    its = Account.objects.filter(identity=identity).annotate(key=Cast("pk", CharField())).values("key")
    about = Q(subject_type="accounts.identity", subject_id=str(identity.pk))
    rows = Event.objects.filter(about | Q(subject_type="accounts.account", subject_id__in=its))
    body = Func(F("body"), Value("UTF8"), function="convert_from", output_field=TextField())
    cards = Card.objects.filter(digest=OuterRef("actor_card")).annotate(said=Cast(body, JSONField()))
    by = Coalesce(
        Subquery(cards.values(actor=KT("said__names__name"))[:1]), Value("", output_field=TextField())
    )
    return [told(rows, at=F("at"), code="event", name=F("verb"), detail=by, page="trail_event", key=F("uid"))]
