"""Teleport: roles, users, bots and access lists, as `tctl get` writes them in YAML or JSON.

A role brings the right to act as the accounts it names on what its labels select. Users and bots hold roles;
an access list is a group that brings roles to its members, some until a day. Who may ask for a role holds it
as eligible. Several answers may stand in one file, one after the other.
"""

from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.api.values import inner, moment, objects, text_of
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.records import Account, Entitlement, Grant, Header, Inclusion, Record
from accounts.connectors.teleport.conditions import names
from accounts.connectors.teleport.files import Resource, Resources, admit_resources, resources
from accounts.connectors.teleport.lists import LIST, OWNERS, is_list, list_entitlements, owners_of
from accounts.connectors.teleport.roles import (
    ROLE,
    RoleRights,
    door_of_trait,
    may_ask,
    rights_of,
    role_entitlement,
)
from accounts.connectors.text import Readable

KEY, VERSION = "teleport", 1
OPTIONS = ("complete", "cluster")
LIMIT = 64 * 2**20  # bytes; the file is read at once
_BOT_LABEL = "teleport.internal/bot"
_KIND_LINES = tuple(
    f"{quote}kind{quote}: {inner_quote}{kind}{inner_quote}"
    for kind in ("role", "user", "bot", "access_list", "access_list_member")
    for quote, inner_quote in (("", ""), ('"', '"'), ("", '"'))
)
_SIGNS = (
    *("node_labels", "kubernetes_groups", "db_users", "max_session_ttl", "access_list:", '"access_list"'),
    *("logins", "membership_requires", "local_auth", "created_by", "grants", "traits", "impersonate"),
)


def sniff(head: bytes, _name: str) -> float:
    """Kinds in lower case with fields that only Teleport has."""
    begin = text.beginning(head) or ""
    if "resources.teleport.dev" in begin:
        return 1.0
    squeezed = begin.replace('":"', '": "')
    starts = any(line.strip(" {,[-").startswith(_KIND_LINES) for line in squeezed.splitlines())
    if not starts and not any(sign in squeezed for sign in _KIND_LINES if sign.startswith('"')):
        return 0.0
    has_frame = "metadata" in begin and "spec" in begin
    return 0.95 if has_frame and any(sign in begin for sign in _SIGNS) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets, and nothing of resources that tell nothing about access."""
    return admit_resources(text.whole(stream, LIMIT), sink)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants and inclusions that name them."""
    found = resources(text.whole(stream, LIMIT))
    return _header(found, mapping), _Reading(found).records()


class _Reading:
    """The records of one file."""

    def __init__(self, found: Resources) -> None:
        self._found = found
        self._rights = {name: rights_of(role) for name, role in found.of("role").items()}
        self._accounts: set[str] = set()
        self._entitlements: set[str] = set()

    def records(self) -> Iterator[Record]:
        yield from self._found.rejected
        for name, role in self._found.of("role").items():
            yield from self._role(role, self._rights[name])
        for one in self._found.of("access_list").values():
            yield from self._list(one)
        for user in self._found.of("user").values():
            self._accounts.add(user.name)
            yield _person(user)
        for bot in self._found.of("bot").values():
            name = _user_of(bot)
            if name not in self._accounts:
                self._accounts.add(name)
                yield _bot(bot, name)
        for user in self._found.of("user").values():
            yield from self._held(user, user.name, names(user.spec.get("roles")), _traits(user))
        for bot in self._found.of("bot").values():
            traits = {
                str(one.get("name")): names(one.get("values")) for one in objects(bot.spec.get("traits"))
            }
            yield from self._held(bot, _user_of(bot), names(bot.spec.get("roles")), traits)
        for one in self._found.of("access_list").values():
            yield from self._owners(one)
        for member in self._found.of("access_list_member").values():
            yield from self._member(member)

    def _role(self, role: Resource, rights: RoleRights) -> Iterator[Record]:
        made = role_entitlement(role, rights)
        self._entitlements.add(made.external_id)
        yield made
        for one in rights.brought:
            if one.external_id not in self._entitlements:
                self._entitlements.add(one.external_id)
                yield one
                yield Inclusion(made.external_id, one.external_id, role.line)

    def _list(self, one: Resource) -> Iterator[Record]:
        for made in list_entitlements(one):
            self._entitlements.add(made.external_id)
            yield made
        for parent, key in ((f"{LIST}{one.name}", "grants"), (f"{LIST}{one.name}{OWNERS}", "owner_grants")):
            for role in names(inner(one.spec.get(key)).get("roles")):
                yield from self._bare_role(role, one.line)
                yield Inclusion(parent, f"{ROLE}{role}", one.line)

    def _held(
        self, holder: Resource, account: str, roles: list[str], traits: dict[str, list[str]]
    ) -> Iterator[Record]:
        """Roles of a user or bot; what its traits make of them; what it may ask for."""
        ends_at = moment(holder.spec.get("expires"))
        for role in dict.fromkeys(roles):
            yield from self._bare_role(role, holder.line)
            yield Grant(account, f"{ROLE}{role}", holder.line, ends_at=ends_at)
            yield from self._by_traits(holder, account, role, traits)
        mine = [self._rights[role] for role in roles if role in self._rights]
        for role in self._askable(mine):
            if role not in roles:
                yield from self._bare_role(role, holder.line)
                yield Grant(account, f"{ROLE}{role}", holder.line, is_eligible=True)

    def _by_traits(
        self, holder: Resource, account: str, role: str, traits: dict[str, list[str]]
    ) -> Iterator[Record]:
        rights = self._rights.get(role)
        for trait, path, where in rights.by_trait if rights else ():
            for value in dict.fromkeys(traits.get(trait, [])):
                door = door_of_trait(self._found.of("role")[role], path, where, value)
                if door.external_id not in self._entitlements:
                    self._entitlements.add(door.external_id)
                    yield door
                yield Grant(account, door.external_id, holder.line, via=f"{ROLE}{role}")

    def _askable(self, mine: list[RoleRights]) -> list[str]:
        """Roles that may be asked for: those of the file that a pattern names, and those named in full."""
        named = {one for rights in mine for one in rights.may_ask_for if _is_name(one)}
        known = [*self._found.of("role"), *sorted(named - set(self._found.of("role")))]
        return [role for role in known if any(may_ask(rights, role) for rights in mine)]

    def _owners(self, one: Resource) -> Iterator[Record]:
        if not names(inner(one.spec.get("owner_grants")).get("roles")):
            return
        for owner, of_list in owners_of(one):
            if of_list:
                yield from self._bare_list(owner, one.line)
                yield Inclusion(f"{LIST}{owner}", f"{LIST}{one.name}{OWNERS}", one.line)
            else:
                yield from self._bare_account(owner, one.line)
                yield Grant(owner, f"{LIST}{one.name}{OWNERS}", one.line)

    def _member(self, member: Resource) -> Iterator[Record]:
        of_list = text_of(member.spec.get("access_list")) or ""
        name = member.name.removeprefix(f"{of_list}/")
        yield from self._bare_list(of_list, member.line)
        if is_list(member.spec.get("membership_kind")):
            yield from self._bare_list(name, member.line)
            yield Inclusion(f"{LIST}{name}", f"{LIST}{of_list}", member.line)
            return
        yield from self._bare_account(name, member.line)
        yield Grant(
            name,
            f"{LIST}{of_list}",
            member.line,
            starts_at=moment(member.spec.get("joined")),
            ends_at=moment(member.spec.get("expires")),
        )

    def _bare_role(self, role: str, line: int) -> Iterator[Record]:
        yield from self._bare(f"{ROLE}{role}", role, "role", line)

    def _bare_list(self, name: str, line: int) -> Iterator[Record]:
        yield from self._bare(f"{LIST}{name}", name, "group", line)

    def _bare(self, key: str, name: str, kind: str, line: int) -> Iterator[Record]:
        if key not in self._entitlements:
            self._entitlements.add(key)
            yield Entitlement(
                external_id=key, name=name, kind="role" if kind == "role" else "group", line=line
            )

    def _bare_account(self, name: str, line: int) -> Iterator[Record]:
        if name not in self._accounts:  # people of single sign-on are no resources
            self._accounts.add(name)
            yield Account(external_id=name, name=name, line=line)


def _person(user: Resource) -> Account:
    """A user; those of bots are told by their label."""
    labels = inner(user.metadata.get("labels"))
    bot = text_of(labels.get(_BOT_LABEL))
    created, status = inner(user.spec.get("created_by")), inner(user.spec.get("status"))
    mail = next(iter(_traits(user).get("email", [])), user.name if "@" in user.name else None)
    is_locked = status.get("is_locked")
    creator = text_of(inner(created.get("user")).get("name"))
    return Account(
        external_id=user.name,
        name=user.name,
        line=user.line,
        kind="machine" if bot else None,
        identity_kind="bot" if bot else None,
        identity_key=bot,
        email=None if bot else mail,
        is_enabled=not is_locked if isinstance(is_locked, bool) else None,
        created_at=moment(created.get("time")),
        expires_at=moment(user.spec.get("expires")) or moment(user.metadata.get("expires")),
        hints=(("creator", creator),) if creator else (),
    )


def _bot(bot: Resource, name: str) -> Account:
    description = text_of(bot.metadata.get("description"))
    return Account(
        external_id=name,
        name=name,
        line=bot.line,
        kind="machine",
        identity_kind="bot",
        identity_key=bot.name,
        expires_at=moment(bot.metadata.get("expires")),
        hints=(("purpose", description),) if description else (),
    )


def _user_of(bot: Resource) -> str:
    """The user that Teleport makes for a bot."""
    return text_of(bot.status.get("user_name")) or f"bot-{bot.name}"


def _traits(user: Resource) -> dict[str, list[str]]:
    return {key: names(value) for key, value in inner(user.spec.get("traits")).items()}


def _is_name(role: str) -> bool:
    return "*" not in role and not role.startswith("^") and "{{" not in role


def _header(found: Resources, mapping: Options) -> Header:
    notes = []
    is_full = mapping.get("complete") == "yes" and not found.rejected
    if mapping.get("complete") != "yes":
        notes.append(
            "Nothing says that this file holds all resources, so what is missing in it does not count as "
            "gone. If it is the output for all roles, users and access lists, set the option “complete” to "
            "yes."
        )
    missing = [kind for kind in ("role", "user", "access_list") if not found.of(kind)]
    if missing:
        notes.append(f"The file has no {', no '.join(missing)}: what they hand on is unknown.")
    if found.others:
        said = ", ".join(f"{count} {kind}" for kind, count in found.others.most_common(5))
        notes.append(f"Resources of other kinds, which are not read: {said}.")
    notes.append(
        "People who sign in through a connector get roles by its mapping, which is not in this file."
    )
    covers = set[str]()
    if found.of("role") and found.of("user"):
        covers = {"entitlement", "account"}
        if found.of("access_list"):
            covers |= {"grant", "inclusion"}
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=mapping.get("cluster"),
        is_full=is_full and bool(covers),
        covers=frozenset(covers),
        notes=tuple(notes),
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="Teleport resources (YAML or JSON of tctl get)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
