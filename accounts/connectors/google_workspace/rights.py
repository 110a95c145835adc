"""Users of Google Workspace, what they are in and may administer, and what they let in."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from accounts.connectors.api.privilege import spread
from accounts.connectors.api.values import excerpt, flag, inner, moment, objects, since_epoch, text_of, texts
from accounts.connectors.google_workspace.objects import Customer, Found, Value
from accounts.connectors.google_workspace.scopes import judge_role
from accounts.connectors.records import Account, Credential, Entitlement, Grant, Inclusion, Record, Rejected
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

ROLE, EVERYBODY = "role:", "everybody"
SUPER_ADMIN, DELEGATED_ADMIN = "role:super-admin", "role:delegated-admin"
_MACHINE_SUFFIX = ".gserviceaccount.com"
_EPOCH = 1970  # a moment in this year stands for never


@dataclass(slots=True)
class Rights:
    """Collects accounts and entitlements first and what names them second."""

    found: Customer
    accounts: dict[str, Account] = field(default_factory=dict)
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    inclusions: dict[tuple[str, str], Inclusion] = field(default_factory=dict)
    grants: dict[tuple[str, str], Grant] = field(default_factory=dict)
    credentials: dict[tuple[str, str, str], Credential] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    groups_short: list[str] = field(default_factory=list)  # of which not all members are in the file
    users: dict[str, str] = field(default_factory=dict)  # any address or id of a user -> its id
    groups: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Everything in the order in which later records need earlier ones."""
        for key, one in self.found.users.items():
            self._user(key, one)
        for key, one in self.found.groups.items():
            self._group(key, one)
        for key, one in self.found.roles.items():
            self._role(key, one)
        self._memberships()
        self._assignments()
        self._admins()
        spread(self.entitlements, self.inclusions)

    def records(self) -> Iterator[Record]:
        """Accounts and entitlements, then who holds what."""
        yield from self.found.rejected
        yield from self.rejected
        yield from self.accounts.values()
        yield from self.entitlements.values()
        yield from self.inclusions.values()
        yield from self.grants.values()
        yield from self.credentials.values()

    def _user(self, key: str, one: Found) -> None:
        value = one.value
        name = text_of(value.get("primaryEmail")) or key
        if len(name) > KEY_LIMIT:
            self.reject(
                one, "name_too_long", f"The address has more than {KEY_LIMIT} characters. Correct it."
            )
            return
        for said in (key, name, *texts(value.get("aliases")), *texts(value.get("nonEditableAliases"))):
            self.users.setdefault(said.casefold(), key)
        names = inner(value.get("name"))
        both = [part for part in (text_of(names.get("givenName")), text_of(names.get("familyName"))) if part]
        number = _number(value)
        used_at = _moment(value.get("lastLoginTime"))
        is_off = value.get("suspended") is True or value.get("archived") is True
        unit = text_of(value.get("orgUnitPath"))
        is_machine = unit is not None and "service account" in unit.casefold()
        self.accounts[key] = Account(
            external_id=key,
            name=name,
            line=one.line,
            display_name=text_of(names.get("fullName")) or " ".join(both) or None,
            kind="machine" if is_machine else "personal" if number or len(both) == 2 else None,
            identity_kind="service" if is_machine else "human" if number or len(both) == 2 else None,
            identity_key=name if is_machine else None,
            employee_number=number,
            email=name if "@" in name else None,
            is_enabled=False if is_off else True if flag(value.get("suspended")) is False else None,
            created_at=_moment(value.get("creationTime")),
            last_used_at=used_at,
            last_used_source="Google lastLoginTime" if used_at else None,
        )
        if value.get("isEnrolledIn2Sv") is False and not is_off:
            self._count("active users without a second factor (isEnrolledIn2Sv)")
        for part in objects(value.get("sshPublicKeys")):
            if fingerprint := text_of(part.get("fingerprint")):
                self.credential(
                    Credential(
                        key,
                        "ssh_key",
                        fingerprint[:KEY_LIMIT],
                        one.line,
                        expires_at=since_epoch(part.get("expirationTimeUsec"), 1_000_000),
                    )
                )

    def _group(self, key: str, one: Found) -> None:
        value = one.value
        address = text_of(value.get("email"))
        name = (address or text_of(value.get("name")) or key)[:KEY_LIMIT]
        for said in (key, address, *texts(value.get("aliases")), *texts(value.get("nonEditableAliases"))):
            if said:
                self.groups.setdefault(said.casefold(), key)
        words = (
            text_of(value.get("description")) or f"Member of the group {text_of(value.get('name')) or name}."
        )
        self.entitlements[key] = Entitlement(key, name, "group", one.line, plain_words=words[:WORDS_LIMIT])

    def _role(self, key: str, one: Found) -> None:
        value = one.value
        judged = judge_role(value)
        name = text_of(value.get("roleName")) or key
        self.entitlements[f"{ROLE}{key}"] = Entitlement(
            external_id=f"{ROLE}{key}",
            name=name[:KEY_LIMIT],
            kind="role",
            line=one.line,
            plain_words=(text_of(value.get("roleDescription")) or f"Admin role {name}.")[:WORDS_LIMIT],
            is_privileged=judged.is_privileged,
            because=judged.because,
            reach="console" if judged.is_privileged else None,
            marks=judged.marks,
        )

    def _memberships(self) -> None:
        listed: dict[str, int] = {}
        for owner, parts in self.found.members.items():
            group = self.groups.get(owner.casefold())
            if group is None:
                for part in parts:
                    self.reject(
                        part, "unknown_group", f"The group {owner} is not in the file. Export groups too."
                    )
                continue
            listed[group] = listed.get(group, 0) + len(parts)
            for part in parts:
                self._member(group, part)
        for key, one in self.found.groups.items():
            count = text_of(one.value.get("directMembersCount"))
            is_short = (
                count is not None and count.isascii() and count.isdigit() and int(count) > listed.get(key, 0)
            )
            if is_short or (key not in listed and count != "0"):
                self.groups_short.append(key)

    def _member(self, group: str, part: Found) -> None:
        value = part.value
        kind = str(value.get("type", "USER")).upper()
        said = text_of(value.get("id")) or text_of(value.get("email"))
        if kind == "CUSTOMER":
            self._everybody(part.line)
            self.inclusions.setdefault((EVERYBODY, group), Inclusion(EVERYBODY, group, part.line))
            return
        if said is None:
            self.reject(part, "no_id", "The member has neither id nor email. Export it whole.")
            return
        other = self._known(self.groups, value)
        if kind == "GROUP" or other is not None:
            self._include(other or said, group, part)
        else:
            self.grant(self._known(self.users, value) or self._stranger(said, part), group, part)
        if str(value.get("role", "")).upper() in ("OWNER", "MANAGER") and kind == "USER":
            self.grant(self._known(self.users, value) or said, self._managing(group), part)

    def _managing(self, group: str) -> str:
        """Owners and managers of a group decide who is in it."""
        key = f"{group}#manager"
        one = self.entitlements[group]
        self.entitlements.setdefault(
            key,
            Entitlement(
                key,
                f"{one.name} (owner or manager)"[:KEY_LIMIT],
                "right",
                one.line,
                plain_words=f"Decides who is in the group {one.name}.",
            ),
        )
        return key

    def _include(self, parent: str, child: str, part: Found) -> None:
        if parent not in self.entitlements:
            name = (text_of(part.value.get("email")) or parent)[:KEY_LIMIT]
            self.entitlements[parent] = Entitlement(parent, name, "group", part.line)
        self.inclusions.setdefault((parent, child), Inclusion(parent, child, part.line))

    def _everybody(self, line: int) -> None:
        if EVERYBODY not in self.entitlements:
            self.entitlements[EVERYBODY] = Entitlement(
                EVERYBODY,
                "Everybody of the organisation",
                "group",
                line,
                plain_words="Every user of the organisation.",
                is_privileged=False,
                because="Everybody is in it.",
            )
        for key, account in self.accounts.items():
            if key in self.found.users:
                self.grants.setdefault((key, EVERYBODY), Grant(key, EVERYBODY, account.line))

    def _assignments(self) -> None:
        for part in self.found.listed("role_assignment"):
            value = part.value
            role, holder = text_of(value.get("roleId")), text_of(value.get("assignedTo"))
            if role is None or holder is None:
                self.reject(part, "no_id", "The assignment names no role or nobody. Export it whole.")
                continue
            target = self._scoped(role, value, part)
            group = self.groups.get(holder.casefold())
            if group is not None or str(value.get("assigneeType", "")).upper() == "GROUP":
                self._include(group or holder, target, part)
            elif (user := self.users.get(holder.casefold())) is not None:
                self.grant(user, target, part)
            elif str(value.get("assigneeType", "")).upper() == "USER":
                self.grant(self._stranger(holder, part), target, part)
            else:
                self.reject(
                    part,
                    "unknown_holder",
                    f"{holder} holds an admin role and is not in the file: a service account, or a user or "
                    "group that was not exported. Export them too.",
                )

    def _scoped(self, role: str, value: Value, part: Found) -> str:
        """A role in one organisational unit is another right than the same in all of them."""
        key = f"{ROLE}{role}"
        if key not in self.entitlements:
            self.entitlements[key] = Entitlement(key, f"role {role}", "role", part.line)
        unit = text_of(value.get("orgUnitId"))
        if str(value.get("scopeType", "CUSTOMER")).upper() != "ORG_UNIT" or unit is None:
            return key
        whole, limited = self.entitlements[key], f"{key}@{unit}"
        words = f"Limited to the organisational unit {unit}."
        self.entitlements.setdefault(
            limited,
            replace(
                whole,
                external_id=limited,
                name=f"{whole.name} (for the organisational unit {unit})"[:KEY_LIMIT],
                because=f"{whole.because} {words}" if whole.because else None,
            ),
        )
        return limited

    def _admins(self) -> None:
        """The user itself says that it is an administrator; only without assignments is that all there is."""
        if self.found.listed("role_assignment"):
            return
        said = (
            (
                "isAdmin",
                SUPER_ADMIN,
                "Super Admin",
                "This role manages everything, other administrators too.",
            ),
            ("isDelegatedAdmin", DELEGATED_ADMIN, "Delegated admin", None),
        )
        for key, one in self.found.users.items():
            for name, target, words, because in said:
                if one.value.get(name) is True and key in self.accounts:
                    self.entitlements.setdefault(
                        target,
                        Entitlement(
                            target,
                            words,
                            "role",
                            one.line,
                            plain_words=f"{words} ({name}).",
                            is_privileged=True if because else None,
                            because=because,
                            reach="console" if because else None,
                            marks=("admin", "iam_write") if because else (),
                        ),
                    )
                    self.grant(key, target, one)

    def _known(self, names: dict[str, str], value: Value) -> str | None:
        said = (text_of(value.get("id")), text_of(value.get("email")))
        return next((names[one.casefold()] for one in said if one and one.casefold() in names), None)

    def _stranger(self, key: str, part: Found) -> str:
        """Somebody of another organisation, or a service account: that they exist is all that is known."""
        if key not in self.accounts:
            email = text_of(part.value.get("email"))
            is_machine = email is not None and email.casefold().endswith(_MACHINE_SUFFIX)
            self.accounts[key] = Account(
                external_id=key,
                name=(email or key)[:KEY_LIMIT],
                line=part.line,
                kind="machine" if is_machine else None,
                identity_kind="service" if is_machine else None,
                identity_key=email if is_machine else None,
                email=None if is_machine else email,
            )
        return key

    def grant(self, account: str, target: str, part: Found) -> None:
        """The account holds it; said twice it is held once."""
        self.grants.setdefault((account, target), Grant(account, target, part.line))

    def credential(self, made: Credential) -> None:
        """Each once."""
        self.credentials.setdefault((made.account, made.kind, made.fingerprint), made)

    def _count(self, what: str) -> None:
        self.notes[what] = self.notes.get(what, 0) + 1

    def reject(self, part: Found, code: str, reason: str) -> None:
        """An item that can't be read, or names what is not in the file."""
        self.rejected.append(Rejected(part.line, code, reason, excerpt(part.value)))


def _number(value: Value) -> str | None:
    """The employee number is the external id that the organisation itself gives."""
    for one in objects(value.get("externalIds")):
        if str(one.get("type", "")).casefold() == "organization":
            return text_of(one.get("value"))
    return None


def _moment(value: object) -> datetime | None:
    at = moment(value)
    return None if at is None or at.year <= _EPOCH else at
