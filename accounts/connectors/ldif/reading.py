"""The records of one LDIF, in passes over it: accounts and groups first, then who is in what.

Which members a group has can be told by the group (`member`, `memberUid`) and by the member (`memberOf`,
its primary group). A membership that both tell of is handed over once.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors.ldif import accounts as ldif_accounts
from accounts.connectors.ldif import credentials as ldif_credentials
from accounts.connectors.ldif import groups as ldif_groups
from accounts.connectors.ldif.entries import Entry, Members, Reader
from accounts.connectors.ldif.index import ACCOUNT, COMPUTER, CONTACT, FOREIGN, GROUP, NOBODY, Index
from accounts.connectors.ldif.lines import Attribute, text_of
from accounts.connectors.ldif.names import canonical, first_value
from accounts.connectors.ldif.survey import BACKWARDS, BY_NAME, LONGEST, MEMBERS, GroupFacts, Survey
from accounts.connectors.ldif.values import sid
from accounts.connectors.records import Account, Entitlement, Grant, Inclusion, Record, Rejected

_FIRST = ldif_accounts.WANTED | ldif_groups.WANTED | BACKWARDS
_LAST = ldif_credentials.WANTED | BACKWARDS | {"gidnumber", "primarygroupid", "objectsid", "objectclass"}
_NOTHING: frozenset[str] = frozenset()
# Groups that Windows makes up itself; everybody who signs in is in some of them.
_SPECIAL = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "Interactive",
    "S-1-5-7": "Anonymous Logon",
    "S-1-5-9": "Enterprise Domain Controllers",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-15": "This Organization",
    "S-1-5-17": "IUSR",
}


class Reading:
    """The records of one file, after its survey."""

    def __init__(self, stream: BinaryIO, survey: Survey) -> None:
        self._stream, self._survey, self._directory = stream, survey, survey.directory
        self._mentioned: set[str] = set()  # groups that only their members speak of
        self._pairs = array("Q")  # memberships told by groups of which the members may tell too
        # Memberships by login name: account, group and line, for the pass that meets the account.
        self._logins = Index()
        self._login_groups, self._login_lines = array("Q"), array("Q")

    def records(self) -> Iterator[Record]:
        """Everything, in an order in which whatever is named was handed over before."""
        for item in self._pass(_FIRST, _NOTHING):
            if isinstance(item, Rejected):
                yield item
            elif isinstance(item, Entry) and not item.is_broken:
                yield from self._thing(item)
        if any(facts.lists_names or facts.lists_logins for facts in self._survey.groups.values()):
            yield from self._by_groups()
        self._pairs = array("Q", sorted(self._pairs))
        self._logins.seal()
        for item in self._pass(_LAST, _NOTHING):
            if isinstance(item, Entry) and self._is_account(item):
                dn = canonical(item.dn) or ""
                key = self._directory.key(item.number, dn)
                yield from self._by_member(item, key)
                yield from ldif_credentials.credentials(item, key)
            elif (
                isinstance(item, Entry)
                and self._directory.kind(item.number) == GROUP
                and not self._is_twin(item)
            ):
                yield from self._outer_groups(item)

    def _pass(self, wanted: frozenset[str], members: frozenset[str]) -> Iterator[Entry | Members | Rejected]:
        self._stream.seek(0)
        yield from Reader(self._stream, wanted, members)

    # --- what there is

    def _thing(self, entry: Entry) -> Iterator[Record]:
        dn = canonical(entry.dn) or ""
        kind = self._directory.kind(entry.number)
        if kind not in (ACCOUNT, GROUP, FOREIGN):
            if len(dn) > LONGEST and ldif_accounts.kind_of(entry) in (ACCOUNT, GROUP):
                yield _too_long(entry)
            return
        if self._is_twin(entry):
            yield Rejected(
                entry.line,
                "duplicate_entry",
                f"The entry {first_value(entry.dn)[:80]} in line {entry.line} is in the file a second "
                "time, by its "
                "name or its id. Export once, into one file.",
            )
            return
        key = self._directory.key(entry.number, dn)
        if kind == GROUP:
            yield ldif_groups.group(entry, key)
        elif kind == FOREIGN:
            yield from self._foreign(entry, key)
        else:
            yield from ldif_accounts.account(entry, key)
        for said in self._backwards(entry):
            yield from self._mention(said)

    def _foreign(self, entry: Entry, key: str) -> Iterator[Record]:
        """Somebody of another domain, or a group that Windows makes up."""
        name = sid(first_value(entry.dn)) or first_value(entry.dn)
        if name.startswith("S-1-5-21-"):
            yield Account(
                external_id=key,
                name=name[:256],
                line=entry.line,
                display_name="Account or group of another domain",
            )
        else:
            yield Entitlement(
                external_id=key,
                name=f"{_SPECIAL.get(name, 'Special identity')} ({name})"[:256],
                kind="group",
                line=entry.line,
                plain_words="A group that Windows makes up; nobody can be put into it or taken out.",
            )

    def _mention(self, said: Attribute) -> Iterator[Record]:
        written = (text_of(said.value) or "").strip()
        kind, key, _ = self._directory.resolve(written)
        if kind == NOBODY and key and key not in self._mentioned and len(key) <= LONGEST:
            self._mentioned.add(key)
            yield ldif_groups.mentioned(written, key, said.line, is_windows=self._survey.is_windows)

    # --- who is in what, as groups tell it

    def _by_groups(self) -> Iterator[Record]:
        current, seen = -1, set[int]()
        for item in self._pass(_NOTHING, MEMBERS):
            if not isinstance(item, Members) or item.number not in self._survey.groups:
                continue
            if item.number != current:
                current, seen = item.number, set()
            facts = self._survey.groups[item.number]
            for said in item.values:
                if said.name in BY_NAME:
                    yield from self._member(said, item.number, facts, seen)
                else:
                    yield from self._login(said, item.number, facts)

    def _member(self, said: Attribute, number: int, facts: GroupFacts, seen: set[int]) -> Iterator[Record]:
        written = _without_bits(text_of(said.value) or "")
        if not written:
            return  # a group may not be empty in some directories, so they put nobody in
        kind, key, member = self._directory.resolve(written)
        if kind in (COMPUTER, CONTACT) or member in seen:
            return
        if member is None or kind not in (ACCOUNT, GROUP, FOREIGN):
            yield _unknown_member(said, written, facts.name, is_here=member is not None)
            return
        seen.add(member)
        if kind == GROUP or (kind == FOREIGN and not _is_foreign_account(written)):
            if member != number:
                yield Inclusion(parent=key, child=facts.key, line=said.line)
        else:
            yield Grant(account=key, entitlement=facts.key, line=said.line)
        if facts.is_ranged or facts.lists_logins or self._survey.by_gid:
            self._pairs.append(number << 32 | member)

    def _login(self, said: Attribute, number: int, facts: GroupFacts) -> Iterator[Record]:
        name = (text_of(said.value) or "").strip()
        found = self._directory.by_login(name)
        if len(found) == 1:
            self._logins.add(found[0].to_bytes(8, "big"), len(self._login_groups))
            self._login_groups.append(number)
            self._login_lines.append(said.line)
        elif found:
            yield Rejected(
                said.line,
                "ambiguous_member",
                f"“{name[:80]}” is a member of the group {facts.name[:80]}, and {len(found)} accounts of "
                "the file "
                "have that name. Give each a name of its own.",
            )
        elif name:
            yield _unknown_member(said, name, facts.name, is_here=False)

    # --- who is in what, as members tell it

    def _by_member(self, entry: Entry, key: str) -> Iterator[Record]:
        told: dict[str, int] = {}  # key of the group -> line
        for place in self._logins.places(entry.number.to_bytes(8, "big")):
            self._tell(told, entry.number, self._login_groups[place], self._login_lines[place])
        for group, line in self._primary(entry):
            self._tell(told, entry.number, group, line)
        for said in self._backwards(entry):
            yield from self._told_by_member(said, entry.number, told)
        for group_key, line in told.items():
            yield Grant(account=key, entitlement=group_key, line=line)

    def _outer_groups(self, entry: Entry) -> Iterator[Record]:
        """`memberOf` at a group: groups outside it, if they do not list it themselves."""
        told: dict[str, int] = {}
        for said in self._backwards(entry):
            yield from self._told_by_member(said, entry.number, told)
        own = self._survey.groups[entry.number].key
        for outer, line in told.items():
            if outer != own:
                yield Inclusion(parent=own, child=outer, line=line)

    def _told_by_member(self, said: Attribute, member: int, told: dict[str, int]) -> Iterator[Record]:
        kind, key, number = self._directory.resolve((text_of(said.value) or "").strip())
        if number is None:
            if key in self._mentioned:
                told.setdefault(key, said.line)
            elif key:
                yield Rejected(
                    said.line, "too_long", f"The name of the group in line {said.line} is too long."
                )
        elif kind != GROUP:
            yield Rejected(
                said.line,
                "no_group",
                f"{first_value(text_of(said.value) or '')[:80]} in line {said.line} is not read as a "
                "group, so "
                "this membership is not either. Look at its own entry.",
            )
        elif not self._survey.groups[number].lists_names or self._survey.groups[number].is_ranged:
            # A group with a whole list of its own is believed: the two are never of the same moment.
            self._tell(told, member, number, said.line)

    def _tell(self, told: dict[str, int], member: int, group: int, line: int) -> None:
        pair = group << 32 | member
        at = bisect_left(self._pairs, pair)
        if at == len(self._pairs) or self._pairs[at] != pair:
            told.setdefault(self._survey.groups[group].key, line)

    def _primary(self, entry: Entry) -> Iterator[tuple[int, int]]:
        """The group that is written at the account as a number and that does not list it."""
        own, number = entry.values.get("objectsid"), entry.first("primarygroupid")
        said = sid(own[0].value) if own else None
        if said is not None and number is not None:
            group = self._survey.by_sid.get(f"{said.rpartition('-')[0]}-{number}")
            if group is not None:
                yield group, entry.values["primarygroupid"][0].line
        gid = entry.first("gidnumber")
        groups = self._survey.by_gid.get(gid, []) if gid is not None else []
        if len(groups) == 1:
            yield groups[0], entry.values["gidnumber"][0].line

    def _backwards(self, entry: Entry) -> Iterator[Attribute]:
        for name in BACKWARDS:
            yield from entry.values.get(name, ())

    def _is_account(self, entry: Entry) -> bool:
        return self._directory.kind(entry.number) == ACCOUNT and not self._is_twin(entry)

    def _is_twin(self, entry: Entry) -> bool:
        return self._directory.twin(entry.number, canonical(entry.dn) or "") is not None


def _is_foreign_account(written: str) -> bool:
    return first_value(written).upper().startswith("S-1-5-21-")


def _without_bits(written: str) -> str:
    """`uniqueMember` may carry a bit string behind the name (`#'0101'B`)."""
    name, sign, bits = written.strip().rpartition("#")
    return name if sign and bits.startswith("'") and bits.endswith("'B") else written.strip()


def _unknown_member(said: Attribute, written: str, group: str, *, is_here: bool) -> Rejected:
    why = "is not read as an account or group" if is_here else "is not in the file"
    return Rejected(
        said.line,
        "unknown_member",
        f"{_on_one_line(first_value(written))} is a member of {group[:80]} and {why}. Export the whole tree "
        "with objectClass, so that it is known who that is.",
        written[:200],
    )


def _on_one_line(name: str) -> str:
    return " ".join(name.split())[:80]


def _too_long(entry: Entry) -> Rejected:
    return Rejected(
        entry.line,
        "too_long",
        f"The distinguished name in line {entry.line} is longer than {LONGEST} characters, and the entry "
        "has no "
        "other id. Export with entryUUID or objectGUID.",
    )
