"""Directory groups and roles as entitlements; which of Active Directory's own are privileged, and why."""

from dataclasses import dataclass

from accounts.connectors.ldif.accounts import GROUPS, classes
from accounts.connectors.ldif.entries import Entry
from accounts.connectors.ldif.names import first_value
from accounts.connectors.ldif.values import sid
from accounts.connectors.records import Entitlement, Mark, Reach

WANTED = frozenset({"objectclass", "cn", "samaccountname", "description", "managedby", "owner", "objectsid"})
WANTED |= {"admincount", "memberurl", "gidnumber", "nsroledn", "grouptype", "samaccounttype"}


@dataclass(frozen=True, slots=True)
class Known:
    """What a group that comes with the directory allows."""

    because: str
    marks: tuple[Mark, ...] = ("admin",)
    reach: Reach | None = None
    is_privileged: bool | None = True


_ADMINS = Known("Administers the domain controllers and everything in the domain.")
_DOMAIN = Known("Administers every computer, account and group of the domain.")
_FOREST = Known("Administers every domain of the forest.")
_SCHEMA = Known("Changes the schema of the whole forest.")
_POLICIES = Known(
    "Writes group policies, which run programmes on computers they are linked to.", ("escalate",)
)
_ACCOUNTS = Known("Creates and changes accounts and groups of the domain.", ("iam_write",))
_SERVERS = Known(
    "Starts and changes services on domain controllers, so it can take the domain.", ("escalate",)
)
_PRINTERS = Known("Loads printer drivers on domain controllers, so it can run anything there.", ("escalate",))
_BACKUP = Known("Reads every file of domain controllers, the password hashes too.", ("secrets_read",))
_DNS = Known("Makes the DNS service of domain controllers load a programme of its choice.", ("escalate",))
_KEYS = Known("Adds sign-in keys to accounts, so it can act as them.", ("impersonate",))
_REMOTE = Known("Signs in to domain controllers by Remote Desktop.", (), "rdp", None)
# The last number of a SID below the domain's, and of one that every domain has (S-1-5-32).
_BY_DOMAIN = {512: _DOMAIN, 518: _SCHEMA, 519: _FOREST, 520: _POLICIES, 526: _KEYS, 527: _KEYS}
_BY_BUILTIN = {544: _ADMINS, 548: _ACCOUNTS, 549: _SERVERS, 550: _PRINTERS, 551: _BACKUP, 555: _REMOTE}
_BY_NAME = {
    "domain admins": _DOMAIN,
    "enterprise admins": _FOREST,
    "schema admins": _SCHEMA,
    "administrators": _ADMINS,
    "account operators": _ACCOUNTS,
    "backup operators": _BACKUP,
    "server operators": _SERVERS,
    "print operators": _PRINTERS,
    "dnsadmins": _DNS,
    "group policy creator owners": _POLICIES,
}
_OLD = (
    "Active Directory protects it (adminCount is 1), so it is or was inside an administrators' group; what "
    "it "
    "allows is not in the file."
)


def group(entry: Entry, key: str) -> Entitlement:
    """The group or role of an entry."""
    held = classes(entry)
    name = entry.first("cn", "samaccountname") or first_value(entry.dn) or key
    known = known_group(entry)
    hint = _OLD if entry.first("admincount") == "1" else None
    owner = entry.first("managedby", "owner")
    is_role = bool(held & {"organizationalrole", "nsroledefinition"}) and not held & (
        GROUPS - {"organizationalrole", "nsroledefinition"}
    )
    words = (entry.first("description") or "")[:4000] or None
    return Entitlement(
        external_id=key,
        name=name[:256],
        kind="role" if is_role else "group",
        line=entry.line,
        plain_words=words,
        is_privileged=known.is_privileged if known else None,
        because=known.because if known else hint,
        reach=known.reach if known else None,
        marks=known.marks if known else (),
        owner=first_value(owner)[:200] if owner else None,
    )


def mentioned(dn: str, key: str, line: int, *, is_windows: bool) -> Entitlement:
    """A group that only its members name (`memberOf`); the directory writes that, so the group is there."""
    name = first_value(dn)
    known = _BY_NAME.get(name.lower()) if is_windows else None
    return Entitlement(
        external_id=key,
        name=name[:256],
        kind="group",
        line=line,
        is_privileged=known.is_privileged if known else None,
        because=f"{known.because} It is known by its name." if known else None,
        marks=known.marks if known else (),
    )


def known_group(entry: Entry) -> Known | None:
    """By SID, which no translation changes; by name only in Active Directory, and only without a SID."""
    held = entry.values.get("objectsid")
    said = sid(held[0].value) if held else None
    name = (entry.first("samaccountname", "cn") or "").lower()
    if said is None:
        return _BY_NAME.get(name) if "group" in classes(entry) else None
    start, _, last = said.rpartition("-")
    if start == "S-1-5-32":
        return _BY_BUILTIN.get(int(last))
    if start.startswith("S-1-5-21-"):
        return _BY_DOMAIN.get(int(last)) or (_DNS if name == "dnsadmins" else None)
    return None
