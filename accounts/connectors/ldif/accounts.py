"""Directory entries as accounts: whose they are, whether they are in use, and until when."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.connectors.ldif.entries import Entry
from accounts.connectors.ldif.index import ACCOUNT, COMPUTER, CONTACT, FOREIGN, GROUP, OTHER
from accounts.connectors.ldif.lines import text_of
from accounts.connectors.ldif.names import first_value, parsed
from accounts.connectors.ldif.values import day_number, filetime, generalized, sid
from accounts.connectors.records import Account, AccountKind, IdentityKind, Rejected

MANAGED = frozenset(
    {
        "msds-groupmanagedserviceaccount",
        "msds-managedserviceaccount",
        "msds-delegatedmanagedserviceaccount",
    }
)
GROUPS = frozenset(
    {
        *("group", "groupofnames", "groupofuniquenames", "groupofmembers", "groupofentries", "groupofurls"),
        *("posixgroup", "organizationalrole", "nsroledefinition", "dynamicgroup", "nestedgroup"),
    }
)
_LOGINS = frozenset(
    {"posixaccount", "account", "simplesecurityobject", "applicationprocess", "ipaservice", "sambasamaccount"}
)
_MACHINES = frozenset({"account", "simplesecurityobject", "applicationprocess", "ipaservice"})
_BY_TYPE = {"805306368": ACCOUNT, "805306369": COMPUTER, "268435456": GROUP, "268435457": GROUP}
_BY_TYPE |= {"536870912": GROUP, "536870913": GROUP}
WORDS = 2000  # characters of a description that are looked at
DISABLED, TRUST = 0x2, 0x800  # bits of userAccountControl
# Words that say it: "service account", "account used by the backup", but not the title "account manager".
_SERVICE = re.compile(
    r"(?i)\b(?:service|technical|system|functional|application|machine|batch|robot)[ _-]?(?:user[ _-]?)?"
    r"acc+ounts?\b(?!\s+(?:manag|execut|admin|team|special))|"
    r"\bacc+ount (?:that is |is )?used by (?:the|an?|our)\b|"
    r"\b(?:dienstkonto|dienstkonten|dienstekonten|servicekonten|servicekonto|technischer benutzer|"
    r"compte de service)\b"
)
_SAID = re.compile(
    r"(?i)(?:^|[;|,\n])\s*(owner|owned by|responsible|deputy|purpose|environment|env|application|app|vendor|"
    r"contract end|creator|created by|sponsor)\s*[:=]\s*([^;|\n,]{1,200})"
)
_HINTS = {"owned by": "owner", "responsible": "owner", "env": "environment", "app": "application"}
_HINTS |= {"contract end": "contract_end", "created by": "creator"}
_PERSONAL = ("sn", "surname", "givenname", "gn", "mail", "employeenumber", "employeeid")
# Last uses, with what each of them is worth.
_USES: tuple[tuple[str, str, Callable[[str], datetime | None]], ...] = (
    ("lastlogontimestamp", "AD lastLogonTimestamp, 9-14 days late", filetime),
    ("lastlogon", "AD lastLogon of one domain controller", filetime),
    ("authtimestamp", "LDAP authTimestamp", generalized),
    ("pwdlastsuccess", "LDAP pwdLastSuccess", generalized),
    ("ds-last-login-time", "LDAP ds-last-login-time", generalized),
    ("lastlogintime", "LDAP lastLoginTime", generalized),
    ("logintime", "LDAP loginTime", generalized),
    ("krblastsuccessfulauth", "Kerberos krbLastSuccessfulAuth", generalized),
)
_ENDS: tuple[tuple[str, Callable[[str], datetime | None]], ...] = (
    ("accountexpires", filetime),
    ("krbprincipalexpiration", generalized),
    ("ds-pwp-account-expiration-time", generalized),
    ("shadowexpire", day_number),
    ("loginexpirationtime", generalized),
)
WANTED = frozenset(
    {
        *(
            "objectclass",
            "samaccounttype",
            "samaccountname",
            "uid",
            "userid",
            "cn",
            "commonname",
            "displayname",
        ),
        *("sn", "surname", "givenname", "gn", "mail", "rfc822mailbox", "proxyaddresses", "employeenumber"),
        *("employeeid", "employeetype", "useraccountcontrol", "pwdaccountlockedtime", "nsaccountlock"),
        *(
            "ds-pwp-account-disabled",
            "logindisabled",
            "whencreated",
            "createtimestamp",
            "serviceprincipalname",
        ),
        *("managedby", "owner", "manager", "description", "info", "isdeleted", "objectsid", "objectguid"),
        *("entryuuid", "ipauniqueid", "nsuniqueid", "krbprincipalname", "loginshell"),
        *(name for name, _, _ in _USES),
        *(name for name, _ in _ENDS),
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose account it is, as far as the entry says."""

    kind: AccountKind | None = None
    identity_kind: IdentityKind | None = None


def classes(entry: Entry) -> frozenset[str]:
    """The object classes in lower case."""
    return frozenset(said.lower() for said in entry.texts("objectclass"))


def kind_of(entry: Entry) -> int:
    """What the entry is; OTHER for what has no part in access."""
    held = classes(entry)
    is_machine = held & _LOGINS and (entry.first("uid") or "").endswith("$")
    if not held:
        return _BY_TYPE.get(entry.first("samaccounttype") or "", OTHER)
    if (entry.first("isdeleted") or "").lower() == "true" or "sudorole" in held:
        return OTHER
    if held & {"computer", "ipahost"} or is_machine:
        return ACCOUNT if held & MANAGED else COMPUTER
    for kind, names in ((FOREIGN, "foreignsecurityprincipal"), (CONTACT, "contact")):
        if names in held:
            return kind
    return _account_or_group(held, is_trust=bool(control(entry) & TRUST))


def _account_or_group(held: frozenset[str], *, is_trust: bool) -> int:
    """An organizationalRole that can sign in is an account; most are only a seat that people take."""
    if held & (GROUPS - {"organizationalrole"}):
        return GROUP
    if held & (_LOGINS | MANAGED) or is_person(held):
        return OTHER if is_trust else ACCOUNT
    return GROUP if "organizationalrole" in held else OTHER


def is_person(held: frozenset[str]) -> bool:
    """A schema class of people: `person` itself, Active Directory's `user`, and classes built on them."""
    return bool(held & {"user", "inetuser"}) or any(one.endswith("person") for one in held)


def control(entry: Entry) -> int:
    """The bits of `userAccountControl`, 0 if it has none."""
    said = entry.first("useraccountcontrol") or "0"
    return int(said) & 0xFFFFFFFF if re.fullmatch(r"-?\d{1,10}", said, re.ASCII) else 0


def login(entry: Entry) -> str | None:
    """The name that its holder signs in with."""
    return entry.first("samaccountname", "uid", "userid", "krbprincipalname")


def account(entry: Entry, key: str) -> Iterator[Account | Rejected]:
    """The account, and what in its entry could not be read."""
    times = Times(entry)
    whose = identity(entry)
    name = login(entry) or entry.first("cn", "commonname") or first_value(entry.dn) or key
    used_at, used_by = times.last_use()
    is_machine = whose.identity_kind == "service"
    yield Account(
        external_id=key,
        name=name[:256],
        line=entry.line,
        display_name=(entry.first("displayname", "cn", "commonname") or "")[:256] or None,
        kind=whose.kind,
        identity_kind=whose.identity_kind,
        identity_key=name[:200] if is_machine else None,
        employee_number=(entry.first("employeenumber", "employeeid") or "")[:64] or None,
        email=_mail(entry),
        is_enabled=is_enabled(entry),
        created_at=times.first(("whencreated", generalized), ("createtimestamp", generalized)),
        expires_at=times.first(*_ENDS),
        last_used_at=used_at,
        last_used_source=used_by,
        hints=() if whose.identity_kind == "human" else _hints(entry, is_machine=is_machine),
    )
    yield from times.problems


def identity(entry: Entry) -> Identity:
    """People by their class; machines by what only machines have, or where the entry says so in words."""
    held = classes(entry)
    number = _relative_id(entry)
    if held & MANAGED or entry.first("serviceprincipalname") or number == 502:  # 502: krbtgt
        return Identity("machine", "service")
    if number in (500, 501, 503):  # Administrator, Guest, DefaultAccount come with every domain
        return Identity()
    if _says_service(entry):
        return Identity("machine", "service")
    if is_person(held) or ("posixaccount" in held and entry.first(*_PERSONAL)):
        return Identity("personal", "human")
    if held & _MACHINES and "posixaccount" not in held:
        return Identity("machine", "service")
    return Identity()


def is_enabled(entry: Entry) -> bool | None:
    """False if something switches the account off, True if a switch is there and on, else unknown."""
    switches: list[bool] = []
    if entry.first("useraccountcontrol") is not None:
        switches.append(not control(entry) & DISABLED)
    for name in ("nsaccountlock", "ds-pwp-account-disabled", "logindisabled"):
        said = (entry.first(name) or "").lower()
        if said in ("true", "false"):
            switches.append(said == "false")
    locked = entry.first("pwdaccountlockedtime")
    if locked is not None and locked.startswith("000001010000"):
        switches.append(False)  # locked for good; any other time is a lock that may be over by now
    return all(switches) if switches else None


class Times:
    """Moments of one entry; what is no moment is rejected by its line, the entry is not."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self.problems: list[Rejected] = []

    def of(self, name: str, read: Callable[[str], datetime | None]) -> datetime | None:
        """The moment under a name; None for never, for nothing, and for what is none."""
        found = self._entry.values.get(name)
        if not found:
            return None
        said = (text_of(found[0].value) or "").strip()
        try:
            return read(said) if said else None
        except ValueError:
            self.problems.append(
                Rejected(
                    found[0].line,
                    "bad_time",
                    f"“{said[:40]}” in {found[0].spelling} is no time, so it is not read. Export it as the "
                    "directory stores it.",
                )
            )
            return None

    def first(self, *names: tuple[str, Callable[[str], datetime | None]]) -> datetime | None:
        """The first moment that there is."""
        return next((at for name, read in names if (at := self.of(name, read)) is not None), None)

    def last_use(self) -> tuple[datetime | None, str | None]:
        """The latest sign-in and where it comes from."""
        found = [(at, source) for name, source, read in _USES if (at := self.of(name, read)) is not None]
        return max(found, key=lambda one: one[0]) if found else (None, None)


def _relative_id(entry: Entry) -> int | None:
    """The last number of a domain account's SID: those below 1000 are the same in every domain."""
    held = entry.values.get("objectsid")
    said = sid(held[0].value) if held else None
    return int(said.rpartition("-")[2]) if said and said.startswith("S-1-5-21-") else None


def _says_service(entry: Entry) -> bool:
    """In its description, its type of employee, or the container it stands in."""
    if any(
        _SERVICE.search(said[:WORDS])
        for name in ("description", "employeetype")
        for said in entry.texts(name)
    ):
        return True
    if (entry.first("employeetype") or "").lower() in ("service", "system", "machine"):
        return True
    above = [value for part in parsed(entry.dn)[1:] for _, value in part]
    return any(_SERVICE.search(value) for value in above)


def _mail(entry: Entry) -> str | None:
    said = entry.first("mail", "rfc822mailbox")
    if said is None:
        said = next((one[5:] for one in entry.texts("proxyaddresses") if one.startswith("SMTP:")), None)
    return said if said and len(said) <= 254 else None


def _hints(entry: Entry, *, is_machine: bool) -> tuple[tuple[str, str], ...]:
    """What the entry says about who answers for it and what it is for."""
    hints: dict[str, str] = {}
    for name in ("managedby", "owner", *(("manager",) if is_machine else ())):
        said = entry.first(name)
        if said is not None:
            hints.setdefault("owner", first_value(said)[:200])
    free = [said for name in ("description", "info") for said in entry.texts(name)]
    for said in free:
        for key, value in _SAID.findall(said[:WORDS]):
            hints.setdefault(_HINTS.get(key.lower(), key.lower()), value.strip())
    if free and not _SAID.search(free[0][:WORDS]):
        hints.setdefault("purpose", free[0][:WORDS])
    return tuple(hints.items())
