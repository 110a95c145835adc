"""Machines on GitHub: apps, deploy keys, webhooks, workflows with their secrets; and the tokens of people."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from accounts.connectors.api.values import excerpt, flag, inner, moment, text_of
from accounts.connectors.github.facts import Facts, Item, Placed
from accounts.connectors.github.rights import of_app, ssh_key
from accounts.connectors.records import Account, Credential, Entitlement, Grant, Record, Rejected

_ALL = {"all": "on all repositories", "selected": "on chosen repositories"}


def machines(found: Facts, repo_right: Mapping[tuple[str, str], str]) -> Iterator[Record]:
    """Accounts and entitlements of machines, then what they hold. `repo_right`: (repository, level) -> id."""
    for one in found.installations:
        yield from _installation(found, one)
    for one in found.keys:
        yield from _deploy_key(found, one, repo_right)
    yield from _once(record for one in found.hooks for record in _hook(one))
    yield from _secrets(found)


def _once(records: Iterable[Record]) -> Iterator[Record]:
    """Several webhooks receive the same events, and one webhook may be listed by more than one answer."""
    seen: set[tuple[str, ...]] = set()
    for one in records:
        said: tuple[str, ...]
        match one:
            case Account(external_id=key) | Entitlement(external_id=key):
                said = (key,)
            case Grant(account=account, entitlement=right):
                said = (account, right)
            case Credential(account=account, kind=kind, fingerprint=fingerprint):
                said = (account, kind, fingerprint)
            case _:
                yield one
                continue
        if said not in seen:
            seen.add(said)
            yield one


def key_repo(one: Placed) -> str | None:
    """The repository of a deploy key: by its address, else by its own."""
    if "/" in one.where:
        return one.where
    parts = (text_of(one.value.get("url")) or "").partition("/repos/")[2].split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else None


def key_level(one: Placed) -> str:
    """What a deploy key may do."""
    return "pull" if one.value.get("read_only") is True else "push"


def tokens(found: Facts) -> Iterator[Record]:
    """Credentials of people: fine-grained tokens, what single sign-on authorised, and SSH keys."""
    for one in found.tokens:
        owner, number = inner(one.value.get("owner")), text_of(one.value.get("token_id"))
        key = found.logins.get((text_of(owner.get("login")) or "").casefold())
        if key is None or number is None:
            yield _broken(one, "A token lacks its owner or number.")
            continue
        expired = flag(one.value.get("token_expired"))
        yield Credential(
            account=found.current(key),
            kind="token",
            fingerprint=f"fine-grained token {number}",
            line=one.line,
            is_active=None if expired is None else not expired,
            expires_at=moment(one.value.get("token_expires_at")),
            last_used_at=moment(one.value.get("token_last_used_at")),
        )
    for one in found.authorizations:
        yield from _authorization(found, one)
    for one in found.user_keys:
        made, key = ssh_key(one.value.get("key")), found.logins.get(one.where.casefold())
        if made is None or key is None:
            yield _broken(one, "An SSH key of a user is no public key, or its owner is not known.")
            continue
        yield Credential(
            account=found.current(key),
            kind="ssh_key",
            fingerprint=made[0],
            line=one.line,
            created_at=moment(one.value.get("created_at")),
            last_used_at=moment(one.value.get("last_used")),
            weakness=made[1],
        )


def _authorization(found: Facts, one: Placed) -> Iterator[Record]:
    key = found.logins.get((text_of(one.value.get("login")) or "").casefold())
    number = text_of(one.value.get("credential_id"))
    if key is None or number is None:
        yield _broken(one, "An authorised credential lacks its login or number.")
        return
    is_key = "ssh" in (text_of(one.value.get("credential_type")) or "").casefold()
    shown = text_of(one.value.get("fingerprint"))
    yield Credential(
        account=found.current(key),
        kind="ssh_key" if is_key else "token",
        fingerprint=shown if is_key and shown else f"classic token {number}",
        line=one.line,
        is_active=True,
        expires_at=moment(one.value.get("authorized_credential_expires_at")),
        last_used_at=moment(one.value.get("credential_accessed_at")),
    )


def _installation(found: Facts, one: Placed) -> Iterator[Record]:
    number, slug = text_of(one.value.get("id")), text_of(one.value.get("app_slug"))
    permissions = one.value.get("permissions")
    if number is None or slug is None or not isinstance(permissions, dict):
        yield _broken(one, "An installed app lacks its number, slug or permissions.")
        return
    external_id = f"installation/{number}"
    maker = text_of(inner(inner(found.apps.get(slug)).get("owner")).get("login"))
    is_foreign = maker is not None and maker.casefold() != one.where.casefold()
    description = text_of(inner(found.apps.get(slug)).get("description"))
    hints = [("vendor", maker)] if maker and is_foreign else []
    hints += [("purpose", description)] if description else []
    yield Account(
        external_id=external_id,
        name=slug,
        line=one.line,
        kind="machine",
        identity_kind="integration",
        identity_key=slug,
        is_enabled=not one.value.get("suspended_at"),
        created_at=moment(one.value.get("created_at")),
        hints=tuple(hints),
    )
    where = _ALL.get(text_of(one.value.get("repository_selection")) or "", "on its repositories")
    for permission, level in sorted(permissions.items()):
        if not isinstance(level, str) or level == "none":
            continue
        scope = "in the organisation" if permission.startswith(("organization_", "members")) else where
        right = of_app(permission, level, scope)
        held = f"app-permission/{permission}:{level}/{scope}"
        yield Entitlement(
            external_id=held,
            name=f"{permission}: {level} {scope}",
            kind="right",
            line=one.line,
            plain_words=right.plain_words,
            is_privileged=right.is_privileged,
            because=right.because,
            marks=right.marks,
        )
        yield Grant(external_id, held, one.line)


def _deploy_key(found: Facts, one: Placed, repo_right: Mapping[tuple[str, str], str]) -> Iterator[Record]:
    number, repo, made = text_of(one.value.get("id")), key_repo(one), ssh_key(one.value.get("key"))
    if number is None or repo is None or made is None:
        yield _broken(one, "A deploy key lacks its number, its repository or a public key.")
        return
    external_id = f"deploy-key/{number}"
    title = text_of(one.value.get("title")) or number
    enabled, creator = flag(one.value.get("enabled")), text_of(one.value.get("added_by"))
    used = moment(one.value.get("last_used"))
    created = moment(one.value.get("created_at"))
    yield Account(
        external_id=external_id,
        name=f"{title} ({repo})",
        line=one.line,
        kind="machine",
        identity_kind="service",
        identity_key=f"{repo}: {title}",
        is_enabled=enabled,
        created_at=created,
        last_used_at=used,
        last_used_source="GitHub deploy key" if used else None,
        hints=(("creator", creator),) if creator else (),
    )
    yield Credential(
        account=external_id,
        kind="ssh_key",
        fingerprint=made[0],
        line=one.line,
        is_active=not (enabled is False or one.value.get("verified") is False),
        created_at=created,
        last_used_at=used,
        weakness=made[1],
    )
    yield Grant(external_id, repo_right[found.repo(repo), key_level(one)], one.line)


def _hook(one: Placed) -> Iterator[Record]:
    number, config = text_of(one.value.get("id")), inner(one.value.get("config"))
    address = text_of(config.get("url"))
    if number is None:
        yield _broken(one, "A webhook has no number.")
        return
    host = _host(address) or f"webhook {number}"
    place = one.where or _hook_place(one.value)
    external_id = f"hook/{number}"
    yield Account(
        external_id=external_id,
        name=f"webhook to {host}" + (f" ({place})" if place else ""),
        line=one.line,
        kind="machine",
        identity_kind="integration",
        identity_key=f"webhook to {host}",
        is_enabled=flag(one.value.get("active")),
        created_at=moment(one.value.get("created_at")),
    )
    held = f"hook-events/{place.casefold()}"
    yield Entitlement(
        external_id=held,
        name=f"receives events of {place or 'GitHub'}",
        kind="right",
        line=one.line,
        plain_words="Is told what happens there, with the content of issues, pull requests and pushes.",
        is_privileged=False,
        because="Receives, but changes nothing.",
    )
    yield Grant(external_id, held, one.line)
    if str(config.get("insecure_ssl", "0")) == "1" or (address or "").startswith("http://"):
        yield Credential(
            account=external_id,
            kind="secret",
            fingerprint="webhook",
            line=one.line,
            is_slot=True,
            weakness="Events are sent without checking the receiver's certificate",
        )


def _secrets(found: Facts) -> Iterator[Record]:
    """Secrets of workflows by name; what uses them are the workflows of the organisation or repository."""
    known: set[str] = set()
    for one in found.secrets:
        name = text_of(one.value.get("name"))
        if name is None or not one.where:
            yield _broken(one, "A secret lacks its name, or nothing says whose it is.")
            continue
        feature = {"dependabot": "Dependabot", "codespaces": "Codespaces"}.get(one.detail, "Actions")
        environment = one.detail if one.detail not in ("", "actions", "dependabot", "codespaces") else ""
        place = f"{one.where}, environment {environment}" if environment else one.where
        external_id = f"{feature.casefold()}/{one.where.casefold()}" + (
            f"#{environment}" if environment else ""
        )
        if external_id not in known:
            known.add(external_id)
            yield Account(
                external_id=external_id,
                name=f"GitHub {feature} of {place}",
                line=one.line,
                kind="machine",
                identity_kind="workload",
                identity_key=f"GitHub {feature} of {place}",
                hints=(("environment", environment),) if environment else (),
            )
        yield Credential(
            account=external_id,
            kind="secret",
            fingerprint=name,
            line=one.line,
            created_at=moment(one.value.get("created_at")),
            rotated_at=moment(one.value.get("updated_at")),
            is_slot=True,
            storage=f"GitHub {feature} secret",
        )


def _host(address: str | None) -> str | None:
    try:
        return urlsplit(address).hostname if address else None
    except ValueError:
        return None


def _hook_place(value: Item) -> str:
    """What a webhook listens to, by its own address."""
    parts = [part for part in (text_of(value.get("url")) or "").split("/") if part]
    if "repos" in parts:
        return "/".join(parts[parts.index("repos") + 1 : parts.index("repos") + 3])
    return parts[parts.index("orgs") + 1] if "orgs" in parts[:-1] else ""


def seconds(value: object) -> datetime | None:
    """A moment in seconds since 1970, as some APIs write it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**35:
        return None
    return datetime.fromtimestamp(value, UTC)


def _broken(one: Placed, what: str) -> Rejected:
    return Rejected(one.line, "broken_item", f"{what} Export it again.", excerpt(one.value))
