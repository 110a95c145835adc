"""The first pass over an LDIF: which entries there are, and what the file can be said to prove."""

from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

from accounts.connectors.ldif import accounts as ldif_accounts
from accounts.connectors.ldif.accounts import TRUST, classes, control, kind_of
from accounts.connectors.ldif.credentials import WANTED as OF_CREDENTIALS
from accounts.connectors.ldif.entries import Entry, Members, Reader
from accounts.connectors.ldif.index import ACCOUNT, COMPUTER, CONTACT, GROUP, OTHER, Directory
from accounts.connectors.ldif.names import canonical, domain, first_value, suffix
from accounts.connectors.ldif.values import sid, unique_id
from accounts.connectors.records import Rejected

LONGEST = 500  # characters of a name that is used as a key
BY_NAME = frozenset({"member", "uniquemember", "roleoccupant"})  # members by distinguished name
MEMBERS = BY_NAME | {"memberuid"}
BACKWARDS = frozenset({"memberof", "ismemberof", "nsroledn"})  # groups by distinguished name, at the member
_IDS = ("objectguid", "entryuuid", "ipauniqueid", "nsuniqueid")
_WANTED = ldif_accounts.WANTED | BACKWARDS | OF_CREDENTIALS
_WANTED |= {"gidnumber", "memberurl", "ds-privilege-name", "primarygroupid", "objectcategory", "nsrole"}
_MOST_CLASSES = 6  # that a note names


@dataclass(slots=True)
class GroupFacts:
    """A group of the file, and from which sides it is known who is in it."""

    key: str
    name: str
    dn: str = ""  # canonical
    lists_names: bool = False  # `member` and the like
    lists_logins: bool = False  # `memberUid`
    is_ranged: bool = False  # `member;range=`: the server cut the list


class Survey:
    """Everything that has to be known before the first record is handed over."""

    def __init__(self, stream: BinaryIO) -> None:
        self.directory = Directory()
        self.groups: dict[int, GroupFacts] = {}
        self.by_sid: dict[str, int] = {}
        self.by_gid: dict[str, list[int]] = {}
        self.counts: Counter[str] = Counter()
        self.other_classes: Counter[str] = Counter()
        self.rejected = 0
        self.entries = 0
        self.base: str | None = None
        self.is_windows = False
        self.has_backwards = self.has_credentials = False
        self._listed: dict[int, GroupFacts] = {}
        reader = Reader(stream, _WANTED, MEMBERS)
        for item in reader:
            if isinstance(item, Rejected):
                self.rejected += 1
            elif isinstance(item, Members):
                self._members(item)
            else:
                self._entry(item)
        self.said = reader.said
        self.directory.seal()
        # Which entry of two with one name or id counts is known only now.
        twins = {
            number for number, one in self.groups.items() if self.directory.twin(number, one.dn) is not None
        }
        self.groups = {number: one for number, one in self.groups.items() if number not in twins}
        self.by_sid = {said: number for said, number in self.by_sid.items() if number not in twins}
        self.by_gid = {
            said: [number for number in numbers if number not in twins]
            for said, numbers in self.by_gid.items()
        }

    def domain(self) -> str | None:
        """The naming context that the entries stand in."""
        return domain(self.base) or None if self.base is not None else None

    def _members(self, piece: Members) -> None:
        facts = self._listed.setdefault(piece.number, GroupFacts("", ""))
        for said in piece.values:
            facts.lists_names = facts.lists_names or said.name in BY_NAME
            facts.lists_logins = facts.lists_logins or said.name == "memberuid"
            facts.is_ranged = facts.is_ranged or any(o.startswith("range=") for o in said.options)

    def _entry(self, entry: Entry) -> None:
        self.entries += 1
        dn = canonical(entry.dn)
        if entry.is_broken or dn is None:
            self._refuse(entry)
            return
        kind = kind_of(entry)
        unique = next((found for name in _IDS if (found := _unique(entry, name)) is not None), None)
        if kind in (ACCOUNT, GROUP) and unique is None and len(dn) > LONGEST:
            self._refuse(entry)
            return
        self.base = suffix(dn, self.base) if dn else self.base
        self.is_windows = self.is_windows or entry.first("objectcategory", "samaccountname") is not None
        self.directory.add(entry.number, dn, kind, unique, _logins(entry) if kind == ACCOUNT else set())
        self._count(entry, kind)
        facts = self._listed.pop(entry.number, None)
        if kind == GROUP:
            self._group(entry, dn, facts or GroupFacts("", ""))
        if kind == ACCOUNT:
            self.has_backwards = self.has_backwards or any(entry.values.get(name) for name in BACKWARDS)
            self.has_credentials = self.has_credentials or any(
                entry.values.get(name)
                for name in ("pwdlastset", "pwdchangedtime", "usercertificate", "sshpublickey")
            )

    def _refuse(self, entry: Entry) -> None:
        self.directory.refuse(entry.number)
        self._listed.pop(entry.number, None)

    def _group(self, entry: Entry, dn: str, facts: GroupFacts) -> None:
        facts.key = self.directory.key(entry.number, dn)
        facts.dn = dn
        facts.name = entry.first("cn", "samaccountname") or first_value(entry.dn)
        self.groups[entry.number] = facts
        self.counts["dynamic"] += bool(entry.values.get("memberurl"))
        self.counts["ranged"] += facts.is_ranged
        held = entry.values.get("objectsid")
        said = sid(held[0].value) if held else None
        if said is not None:
            self.by_sid.setdefault(said, entry.number)
        number = entry.first("gidnumber")
        if number is not None and "posixgroup" in classes(entry):
            self.by_gid.setdefault(number, []).append(entry.number)

    def _count(self, entry: Entry, kind: int) -> None:
        held = classes(entry)
        self.counts["accounts"] += kind == ACCOUNT
        self.counts["computers"] += kind == COMPUTER
        self.counts["contacts"] += kind == CONTACT
        self.counts["privileges"] += bool(entry.values.get("ds-privilege-name"))
        if kind == ACCOUNT and _may_not_log_in(entry):
            self.counts["no_shell"] += 1
        if kind != OTHER:
            return
        if (entry.first("isdeleted") or "").lower() == "true":
            self.counts["deleted"] += 1
        elif "sudorole" in held:
            self.counts["sudo"] += 1
        elif control(entry) & TRUST:
            self.counts["trusts"] += 1
        elif not held:
            self.counts["without_class"] += bool(entry.dn)
        else:
            self.other_classes[entry.texts("objectclass")[-1][:40].lower()] += 1

    def notes(self) -> list[str]:
        """What was left out, in words."""
        many = self.counts
        words = {
            "computers": "Computers are left out, and their memberships with them: {}.",
            "contacts": "Contacts (addresses without an account) are left out: {}.",
            "trusts": "Accounts that stand for the trust of another domain are left out: {}.",
            "deleted": "Deleted entries are left out: {}.",
            "without_class": "Entries without objectClass, of which nobody can say what they are: {}. Export "
            "that attribute too.",
            "sudo": "sudoRole entries say who may use sudo and are not read here: {}. Import the file as "
            "sudoers "
            "as well.",
            "dynamic": "Groups whose members are found by a search (memberURL): {}. Who is in them is not "
            "in the "
            "file.",
            "ranged": "Groups whose list of members the server cut (member;range=): {}. What memberOf says "
            "of "
            "them was added.",
            "privileges": "Entries with privileges of the directory server itself (ds-privilege-name), "
            "which are "
            "not read as rights: {}.",
            "no_shell": "Accounts whose login shell lets nobody in (nologin, false): {}. They may still be "
            "used in "
            "other ways, so they do not count as disabled.",
        }
        notes = [text.format(many[name]) for name, text in words.items() if many[name]]
        if self.other_classes:
            most = self.other_classes.most_common(_MOST_CLASSES)
            named = ", ".join(f"{name} {count}" for name, count in most)
            more = ", …" if len(self.other_classes) > _MOST_CLASSES else ""
            notes.append(
                f"Entries that are neither accounts nor groups: {self.other_classes.total()} ({named}{more})."
            )
        if self.counts["accounts"] and not self.directory.with_id:
            notes.append(
                "The file has no objectGUID or entryUUID, so accounts are known by their distinguished "
                "names: a "
                "renamed one counts as another. Export with operational attributes (ldapsearch … '*' '+')."
            )
        if self.said.exported:
            notes.append(
                f"Entries that ldifde wrote as “changetype: add” were read as an export: "
                f"{self.said.exported}."
            )
        return notes

    def doubts(self) -> list[str]:
        """Why the file cannot prove that something is gone, whatever somebody says about it."""
        said, doubts = self.said, []
        if self.rejected:
            doubts.append(f"Entries or values that could not be read: {self.rejected}.")
        if said.result is not None and said.result.split(" ")[0] != "0":
            doubts.append(f"The search ended early ({said.result[:60]}), so entries are missing.")
        if said.question and said.result is None:
            doubts.append(
                "The answer of ldapsearch has no end: the file is cut off, or the search broke off."
            )
        if said.entries is not None and said.entries != self.entries:
            doubts.append(f"The file says it holds {said.entries} entries and holds {self.entries}.")
        if said.references:
            doubts.append(f"Parts of the tree are on other servers and not in the file: {said.references}.")
        asked = said.question.get("filter", "(objectclass=*)").lower().replace(" ", "")
        if asked not in ("(objectclass=*)", "(objectclass=top)"):
            doubts.append(
                f"The search had a filter ({said.question['filter'][:100]}), so it shows a part only."
            )
        if self.counts["ranged"] and not self.has_backwards:
            doubts.append("The server cut the lists of members of large groups (member;range=).")
        return doubts


def _unique(entry: Entry, name: str) -> bytes | None:
    held = entry.values.get(name)
    found = unique_id(name, held[0].value) if held else None
    return found.bytes if found is not None and found.int else None


def _logins(entry: Entry) -> set[str]:
    return {said for name in ("uid", "userid", "samaccountname") for said in entry.texts(name)}


def _may_not_log_in(entry: Entry) -> bool:
    return (entry.first("loginshell") or "").rpartition("/")[2] in ("nologin", "false")
