"""Verbs about systems as they begin, and about the sources that tell of them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.connectors import REGISTRY
from accounts.models import Identity, Ownership, Source, System
from accounts.services import ownership
from portal import moment
from portal.audit import cards
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User


@transaction.atomic
def create_system(
    *,
    code: str,
    name: str,
    actor: Actor,
    environment: System.Environment = System.Environment.PRODUCTION,
    reference: str = "",
    owner: Identity | None = None,
    deputy: Identity | None = None,
) -> System:
    """A platform or application that holds accounts. `reference` is what it calls itself in its exports."""
    system = System(
        code=code.strip(), name=name.strip(), environment=environment, reference=reference.strip()
    )
    system.card = cards.write("system", system.pk, {"code": system.code, "name": system.name})
    system.full_clean(exclude=["card"])
    system.save()
    facts = {"card": system.card, "environment": environment, "reference": system.reference}
    record(Verb.SYSTEM_CREATED, system, actor=actor, facts=facts)
    for role, holder in ((Ownership.Role.OWNER, owner), (Ownership.Role.DEPUTY, deputy)):
        if holder is not None:
            ownership.name_owner(system, holder, role=role, version=None, actor=actor)
    return system


@transaction.atomic
def create_source(
    *,
    name: str,
    connector: str,
    actor: Actor,
    system: System | None = None,
    employer: str = "",
    mapping: Mapping[str, str] | None = None,
    fresh_days: int = 35,
) -> Source:
    """Where readings will come from. It begins in quarantine: its first reading is looked at before it
    counts.

    Without a system it is HR's, of the company `employer`.
    """
    options = dict(mapping or {})
    _check_format(connector, system, options)
    source = Source(
        name=name.strip(),
        connector=connector,
        system=system,
        employer="" if system else employer.strip(),
        mapping=options,
        fresh_days=fresh_days,
        created_at=moment.now(),
    )
    source.full_clean()
    source.save()
    facts = {"system": system.pk if system else None, "connector": connector, "mapping": options}
    record(Verb.SOURCE_CREATED, source, actor=actor, facts=facts)
    return source


@transaction.atomic
def edit(
    source: Source, *, name: str, mapping: Mapping[str, str], fresh_days: int, version: int | None, by: User
) -> Source:
    """Change how a source's next files are read; readings that stand keep the mapping they were read with."""
    _check_format(source.connector, source.system, mapping)
    values = {"name": name.strip(), "mapping": dict(mapping), "fresh_days": fresh_days}
    changes: dict[str, Any] = {key: value for key, value in values.items() if value != getattr(source, key)}
    if not changes:
        return source
    if "name" in changes and Source.objects.filter(name=changes["name"]).exists():
        raise ValidationError({"name": _("There is a source of this name already.")})
    change(source, version, **changes)
    facts = {"fields": sorted(changes), "mapping": source.mapping, "fresh_days": source.fresh_days}
    record(Verb.SOURCE_EDITED, source, actor=by.actor, facts=facts)
    return source


@transaction.atomic
def release(source: Source, *, version: int | None, by: User) -> Source:
    """Somebody looked at a reading of it, and it is what it says: from now on its readings can be applied."""
    at = moment.now()
    change(source, version, when=Q(released_at=None), released_at=at)
    record(Verb.SOURCE_RELEASED, source, actor=by.actor, at=at, facts={"system": source.system_id})
    return source


def _check_format(key: str, system: System | None, options: Mapping[str, str]) -> None:
    connector = REGISTRY.get(key)
    if connector is None:
        raise ValidationError({"connector": _("This format is not known.")})
    if ("person" in connector.reads) != (system is None):
        words = (
            _("This format tells of people, not of a system's accounts.")
            if system
            else _("HR sends people; this format has none.")
        )
        raise ValidationError({"connector": words})
    known = {*connector.fields, *connector.options}
    unknown = sorted(field for field in options if field.partition(":")[0] not in known)
    if unknown:
        raise ValidationError(
            {"mapping": _("This format has no field called “%(field)s”.") % {"field": unknown[0][:40]}}
        )
