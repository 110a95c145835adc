"""People and service principals of Entra ID as accounts, and what the directory says about their owners."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from accounts.connectors.api.values import excerpt, flag, inner, moment, text_of, texts
from accounts.connectors.entra.directory import Directory, Found, Value
from accounts.connectors.records import Account, Credential, IdentityKind, Record, Rejected
from accounts.connectors.secret_names import normal
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

# Tenants that Microsoft's own applications belong to.
MICROSOFT = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
_AGENT_TYPES = ("agentidentity", "agentidentityblueprintprincipal", "agentuser")
_AGENT_TAGS = frozenset({"agenticapp", "agenticinstance", "agentidentity"})
_SERVICE_WORDS = ("service account", "service", "system", "robot", "bot", "application", "technical")
_TAG_HINTS = {
    "owner": "owner", "ownedby": "owner", "deputy": "deputy", "backupowner": "deputy", "sponsor": "sponsor",
    "environment": "environment", "env": "environment", "application": "application", "app": "application",
    "purpose": "purpose", "vendor": "vendor", "contractend": "contract_end",
}  # fmt: skip


def users(directory: Directory) -> Iterator[Record]:
    """Every user as an account, with the password as a credential where the file tells when it changed."""
    for key, found in directory.of("user").items():
        value = found.value
        name = text_of(value.get("userPrincipalName")) or text_of(value.get("displayName")) or key
        if len(name) > KEY_LIMIT:
            yield _too_long(found, "userPrincipalName")
            continue
        identity_kind = _kind_of_user(value)
        used_at, source = _last_used(value)
        yield Account(
            external_id=key,
            name=name,
            line=found.line,
            display_name=_words(value.get("displayName")),
            kind="personal" if identity_kind == "human" else "machine" if identity_kind else None,
            identity_kind=identity_kind,
            identity_key=name if identity_kind not in (None, "human") else None,
            employee_number=_words(value.get("employeeId")),
            email=_mail(value),
            is_enabled=flag(value.get("accountEnabled")),
            created_at=moment(value.get("createdDateTime")),
            last_used_at=used_at,
            last_used_source=source,
            hints=_hints_of(key, value, directory),
        )


def passwords(directory: Directory) -> Iterator[Credential]:
    """When people's passwords were changed; whether they have one is not in the file."""
    for key, found in directory.of("user").items():
        changed = moment(found.value.get("lastPasswordChangeDateTime"))
        if changed is not None:
            yield Credential(key, "password", "password", found.line, rotated_at=changed, is_slot=True)


def principals(directory: Directory, tenant: str | None) -> Iterator[Record]:
    """Every service principal as an account of a machine."""
    found = directory.of("principal")
    counts = Counter(text_of(one.value.get("displayName")) for one in found.values())
    activity = _activity(directory)
    for key, one in found.items():
        value = one.value
        name = text_of(value.get("displayName")) or text_of(value.get("appId")) or key
        if len(name) > KEY_LIMIT:
            yield _too_long(one, "displayName")
            continue
        app = text_of(value.get("appId"))
        own = name if counts[name] <= 1 or app is None else f"{name} ({app})"
        used_at = activity.get(app or "") or _last_used(value)[0]
        yield Account(
            external_id=key,
            name=own,
            line=one.line,
            display_name=name,
            kind="machine",
            identity_kind=_kind_of_principal(value, tenant),
            identity_key=own,
            is_enabled=flag(value.get("accountEnabled")),
            created_at=moment(value.get("createdDateTime")),
            last_used_at=used_at,
            last_used_source="Entra sign-in activity" if used_at else None,
            hints=(*_vendor(value, tenant, name), *_hints_of(key, value, directory)),
        )


def applications(directory: Directory) -> Iterator[Record]:
    """Registrations whose service principal is not in the file: their credentials need an account."""
    known = by_app(directory)
    for key, one in directory.of("application").items():
        app = text_of(one.value.get("appId"))
        name = text_of(one.value.get("displayName")) or app or key
        if app in known:
            continue
        if len(name) > KEY_LIMIT:
            yield _too_long(one, "displayName")
            continue
        is_agent = _type(one.value) == "agentidentityblueprint"
        yield Account(
            external_id=key,
            name=name,
            line=one.line,
            kind="machine",
            identity_kind="agent" if is_agent else "service",
            identity_key=name,
            created_at=moment(one.value.get("createdDateTime")),
            hints=_hints_of(key, one.value, directory),
        )


def by_app(directory: Directory) -> dict[str, str]:
    """Service principals by the application that they stand for."""
    return {
        app: key
        for key, found in directory.of("principal").items()
        if (app := text_of(found.value.get("appId"))) is not None
    }


def tenant_of(directory: Directory, said: str | None) -> str | None:
    """The tenant's id: as the source is set up, of its organization, or named beside the lists."""
    if said:
        return said
    if len(directory.of("organization")) == 1:
        return next(iter(directory.of("organization")))
    named = {
        tenant
        for pages in directory.pages.values()
        for page in pages
        for name in ("tenantId", "tenant_id", "TenantId")
        if (tenant := text_of(page.about.get(name))) is not None
    }
    return named.pop() if len(named) == 1 else None


def _kind_of_user(value: Value) -> IdentityKind | None:
    if _type(value) in _AGENT_TYPES or text_of(value.get("identityParentId")):
        return "agent"
    said = (text_of(value.get("employeeType")) or "").casefold()
    if any(word in said.split() or word == said for word in _SERVICE_WORDS):
        return "service"
    is_person = (
        text_of(value.get("employeeId")) is not None
        or str(value.get("userType", "")).casefold() == "guest"
        or (text_of(value.get("givenName")) and text_of(value.get("surname")))
    )
    return "human" if is_person else None


def _kind_of_principal(value: Value, tenant: str | None) -> IdentityKind | None:
    kind = str(value.get("servicePrincipalType", "")).casefold()
    tags = {tag.casefold() for tag in texts(value.get("tags"))}
    if (
        _type(value) in _AGENT_TYPES
        or text_of(value.get("agentIdentityBlueprintId"))
        or kind.startswith("agentidentity")
        or tags & _AGENT_TAGS
    ):
        return "agent"
    if kind == "managedidentity":
        return "workload"
    if kind == "socialidp" or _is_foreign(value, tenant):
        return "integration"
    return "service" if kind in ("application", "legacy", "serviceidentity", "") else None


def _is_foreign(value: Value, tenant: str | None) -> bool:
    owner = text_of(value.get("appOwnerOrganizationId"))
    return owner is not None and (owner in MICROSOFT or (tenant is not None and owner != tenant))


def _vendor(value: Value, tenant: str | None, name: str) -> tuple[tuple[str, str], ...]:
    """Who made an application that is not the tenant's own."""
    if not _is_foreign(value, tenant):
        return ()
    owner = text_of(value.get("appOwnerOrganizationId"))
    if owner in MICROSOFT:
        return (("vendor", "Microsoft"),)
    verified = text_of(inner(value.get("verifiedPublisher")).get("displayName"))
    said = verified or _words(value.get("publisherName"))
    return (("vendor", said or f"tenant {owner}, publisher of {name}"),)


def _hints_of(key: str, value: Value, directory: Directory) -> tuple[tuple[str, str], ...]:
    """Owners by relation first, of the registration too; then notes and tags in so many words."""
    made: dict[str, str] = {}
    app = text_of(value.get("appId"))
    registered = directory.registrations.get(app, []) if app and key in directory.of("principal") else []
    owners = [*directory.hanging("owners", key)]
    for found in registered:
        owners.extend(directory.hanging("owners", text_of(found.value.get("id")) or ""))
    said = list(dict.fromkeys(name for owner in owners if (name := _who(owner.value, directory))))
    made.update(zip(("owner", "deputy"), said, strict=False))
    for sponsor in directory.hanging("sponsors", key)[:1]:
        if name := _who(sponsor.value, directory):
            made["sponsor"] = name
    for source in (value, *(found.value for found in registered)):
        purpose = _words(source.get("description")) or _words(source.get("notes"))
        if purpose and "appId" in source:
            made.setdefault("purpose", purpose)
        for tag in texts(source.get("tags")):
            hint, text = _tag(tag)
            if hint and text:
                made.setdefault(hint, text)
    return tuple(made.items())


def _who(value: Value, directory: Directory) -> str | None:
    """A person by mail or sign-in name; the file's own entry says more than the reference."""
    key = text_of(value.get("id")) or ""
    known = directory.of("user").get(key)
    whole: Mapping[str, object] = known.value if known else value
    return _mail(whole) or text_of(whole.get("userPrincipalName")) or directory.names.get(key)


def _tag(tag: str) -> tuple[str | None, str]:
    """`owner:dana@example.com` or `env=prod`; other tags say nothing."""
    for sign in (":", "="):
        name, found, said = tag.partition(sign)
        if found:
            return _TAG_HINTS.get(normal(name)), said.strip()[:WORDS_LIMIT]
    return None, ""


def _last_used(value: Value) -> tuple[datetime | None, str | None]:
    """The later of the sign-ins by the person and in their name."""
    activity = inner(value.get("signInActivity"))
    times = {
        name: at
        for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")
        if (at := moment(activity.get(name)) or moment(value.get(name))) is not None
    }
    if not times:
        return None, None
    latest = max(times, key=lambda name: times[name])
    return times[latest], f"Entra signInActivity.{latest}"


def _activity(directory: Directory) -> dict[str, datetime]:
    """Last sign-ins of applications, from the report that has them."""
    made: dict[str, datetime] = {}
    for found in directory.listed("activity"):
        app = text_of(found.value.get("appId"))
        at = moment(inner(found.value.get("lastSignInActivity")).get("lastSignInDateTime"))
        if app and at:
            made[app] = max(at, made.get(app, at))
    return made


def _mail(value: Value) -> str | None:
    mail = text_of(value.get("mail"))
    if (
        mail is None
        and texts(value.get("otherMails"))
        and str(value.get("userType", "")).casefold() == "guest"
    ):
        mail = texts(value.get("otherMails"))[0]
    return mail if mail and "@" in mail and len(mail) <= KEY_LIMIT else None


def _words(value: object) -> str | None:
    said = text_of(value)
    return said[:WORDS_LIMIT] if said else None


def _type(value: Value) -> str:
    return str(value.get("@odata.type", "")).rpartition(".")[2].lower()


def _too_long(found: Found, name: str) -> Rejected:
    return Rejected(
        found.line,
        "name_too_long",
        f"The {name} is longer than {KEY_LIMIT} characters. Correct it in Entra ID.",
        excerpt(found.value),
    )
