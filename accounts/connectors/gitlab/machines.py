"""Machines and tokens of GitLab: access tokens, deploy keys and tokens, variables of pipelines, SSH keys."""

from collections.abc import Iterator

from accounts.connectors.api.values import flag, objects, text_of, texts
from accounts.connectors.github.rights import ssh_key
from accounts.connectors.gitlab.facts import Item, Place, Placed
from accounts.connectors.gitlab.rights import Rights, level_of, when
from accounts.connectors.records import Account, Credential, Grant, Record, Rejected
from accounts.connectors.secret_names import is_secret_name


def tokens_and_machines(rights: Rights) -> Iterator[Record]:
    """Everything that signs in without being a person, and the tokens of people."""
    for one in rights.found.of("personal_tokens"):
        yield from _token(
            rights, one, text_of(one.value.get("user_id")) or one.place[1], "personal access token"
        )
    yield from _user_keys(rights)
    yield from _deploy_keys(rights)
    yield from _deploy_tokens(rights)
    yield from _variables(rights)


def access_tokens(rights: Rights) -> Iterator[Record]:
    """Tokens of groups and projects, whose bot users are accounts."""
    for one in rights.found.of("access_tokens"):
        user = text_of(one.value.get("user_id"))
        level, place = level_of(one), rights.place_of(one)
        name = text_of(one.value.get("name"))
        if user is None or name is None:
            yield Rejected(
                one.line, "broken_item", "An access token lacks its user or name. Export it again."
            )
            continue
        if user not in rights.accounts:
            rights.accounts.add(user)
            where = f"{place.kind} {place.path}" if place else "GitLab"
            yield Account(
                external_id=user,
                name=f"{name} ({where})",
                line=one.line,
                kind="machine",
                identity_kind="bot",
                identity_key=f"{name} ({where})",
                is_enabled=_is_active(one.value),
                created_at=when(one.value.get("created_at")),
                expires_at=when(one.value.get("expires_at")),
            )
        is_new = place is None or (place.kind, place.number, user) not in rights.direct
        if place is not None and level is not None and is_new and _is_active(one.value) is not False:
            yield from rights.role(place, level, one.line)
            ends_at = when(one.value.get("expires_at"))
            yield Grant(user, f"{place.kind}/{place.number}#{level}", one.line, ends_at=ends_at)
        yield from _token(rights, one, user, f"{place.kind} access token" if place else "access token")


def _token(rights: Rights, one: Placed, account: str, kind: str) -> Iterator[Record]:
    number = text_of(one.value.get("id"))
    if number is None or not account:
        yield Rejected(one.line, "broken_item", "A token lacks its number or user. Export it again.")
        return
    if account not in rights.accounts:
        rights.accounts.add(account)
        yield Account(account, f"user {account}", one.line)  # GitLab says that it exists and no more
    active, ends = _is_active(one.value), when(one.value.get("expires_at"))
    yield Credential(
        account=account,
        kind="token",
        fingerprint=f"{kind} {number}",
        line=one.line,
        is_active=active,
        created_at=when(one.value.get("created_at")),
        expires_at=ends,
        last_used_at=when(one.value.get("last_used_at")),
    )
    for scope in texts(one.value.get("scopes")) if active is not False else ():
        yield from rights.scope(account, scope, one)


def _user_keys(rights: Rights) -> Iterator[Record]:
    for one in rights.found.of("user_keys"):
        made = ssh_key(one.value.get("key"))
        if made is None or one.place[1] not in rights.accounts:
            yield Rejected(
                one.line,
                "broken_item",
                "An SSH key is no public key, or its user is not in the file. Export the users too.",
            )
            continue
        yield _ssh_credential(one, one.place[1], made)


def _deploy_keys(rights: Rights) -> Iterator[Record]:
    known: set[str] = set()
    for one in rights.found.of("deploy_keys"):
        number, made = text_of(one.value.get("id")), ssh_key(one.value.get("key"))
        shown = text_of(one.value.get("fingerprint_sha256"))
        if made is None and shown:
            made = (shown, None)
        if number is None or made is None:
            yield Rejected(
                one.line, "broken_item", "A deploy key lacks its number or public key. Export again."
            )
            continue
        account = f"deploy-key/{number}"
        if account not in known:
            known.add(account)
            title = text_of(one.value.get("title")) or number
            yield Account(
                account,
                f"{title} (deploy key {number})",
                one.line,
                kind="machine",
                identity_kind="service",
                identity_key=f"{title} (deploy key {number})",
                created_at=when(one.value.get("created_at")),
                expires_at=when(one.value.get("expires_at")),
            )
            yield _ssh_credential(one, account, made)
        for place, may_push in _reached(rights, one):
            yield from rights.machine(account, place, "push" if may_push else "pull", one)


def _reached(rights: Rights, one: Placed) -> Iterator[tuple[Place, bool]]:
    if one.place[1]:
        yield rights.found.place(one.place, one.line), one.value.get("can_push") is True
    for key, may_push in (("projects_with_write_access", True), ("projects_with_readonly_access", False)):
        for project in objects(one.value.get(key)):
            if (number := text_of(project.get("id"))) is not None:
                place = rights.found.place(("project", number), one.line)
                path = text_of(project.get("path_with_namespace"))
                place.path = path or place.path
                yield place, may_push


def _deploy_tokens(rights: Rights) -> Iterator[Record]:
    for one in rights.found.of("deploy_tokens"):
        number, name = text_of(one.value.get("id")), text_of(one.value.get("name"))
        if number is None or name is None:
            yield Rejected(
                one.line, "broken_item", "A deploy token lacks its number or name. Export it again."
            )
            continue
        account = f"deploy-token/{number}"
        is_on = not (one.value.get("revoked") is True or one.value.get("expired") is True)
        yield Account(
            account,
            text_of(one.value.get("username")) or name,
            one.line,
            display_name=name,
            kind="machine",
            identity_kind="service",
            identity_key=f"{name} (deploy token {number})",
            is_enabled=is_on,
            expires_at=when(one.value.get("expires_at")),
        )
        yield Credential(
            account,
            "token",
            f"deploy token {number}",
            one.line,
            is_active=is_on,
            expires_at=when(one.value.get("expires_at")),
        )
        if one.place[1] and is_on:
            place = rights.found.place(one.place, one.line)
            for scope in texts(one.value.get("scopes")):
                yield from rights.machine(account, place, scope, one)


def _variables(rights: Rights) -> Iterator[Record]:
    """CI/CD variables that are secrets: masked, hidden or named so."""
    known: set[str] = set()
    for one in rights.found.of("variables"):
        name = text_of(one.value.get("key"))
        if name is None:
            yield Rejected(one.line, "broken_item", "A variable has no key. Export it again.")
            continue
        hidden = one.value.get("masked") is True or one.value.get("hidden") is True
        if not hidden and not is_secret_name(name):
            continue
        place = rights.found.place(one.place, one.line) if one.place[1] else None
        where = f"{place.kind} {place.path}" if place else "the whole instance"
        account = f"ci/{place.kind}/{place.number}" if place else "ci/instance"
        if account not in known:
            known.add(account)
            yield Account(
                account,
                f"CI/CD of {where}",
                one.line,
                kind="machine",
                identity_kind="workload",
                identity_key=f"CI/CD of {where}",
            )
        scope = text_of(one.value.get("environment_scope"))
        yield Credential(
            account,
            "secret",
            name if scope in (None, "*") else f"{name} ({scope})",
            one.line,
            is_slot=True,
            storage="GitLab CI/CD variable",
            weakness=None if hidden else "Not masked, so job logs may show it",
        )


def _ssh_credential(one: Placed, account: str, made: tuple[str, str | None]) -> Credential:
    return Credential(
        account=account,
        kind="ssh_key",
        fingerprint=made[0],
        line=one.line,
        created_at=when(one.value.get("created_at")),
        expires_at=when(one.value.get("expires_at")),
        last_used_at=when(one.value.get("last_used_at")),
        weakness=made[1],
    )


def _is_active(value: Item) -> bool | None:
    if value.get("revoked") is True:
        return False
    return flag(value.get("active"))
