"""LDIF exports of LDAP directories and Active Directory: accounts, groups, who is in them, and credentials.

Users and service accounts are accounts, groups and roles are entitlements. A group inside another is an
inclusion: whoever is in the inner group has what the outer one brings. An entry is known by its objectGUID
or entryUUID, because its distinguished name changes with every move; where the file has none, by its name.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.connector import Connector, Options
from accounts.connectors.ldif.reading import Reading
from accounts.connectors.ldif.secrets import admit
from accounts.connectors.ldif.survey import Survey
from accounts.connectors.records import Header, Record

KEY, VERSION = "ldif", 1
OPTIONS = ("complete", "encoding")
_NAME = re.compile(r"(?im)^dn(?::: *[A-Za-z0-9+/=]{4}|: *(?:(?:[A-Za-z][\w-]*|\d+(?:\.\d+)+) *=|$))")
_CLASS = re.compile(r"(?im)^objectclass::? *\S+")
SUDO_CLASS = re.compile(r"(?im)^objectclass: *sudorole[ \r]*$")
_BEFORE = re.compile(r"(?i)dn:|version: *\d|search: |ref: |SASL|Enter LDAP Password")


def sniff(head: bytes, _name: str) -> float:
    """Lines `dn:` with a distinguished name; less sure where most entries are rules of sudo."""
    begin = text.beginning(head) or ""
    first = next((line for line in begin.splitlines() if line.strip() and line[0] not in "# "), "")
    names = len(_NAME.findall(begin))
    if not names or not _BEFORE.match(first):
        return 0.0
    return 0.6 if is_mostly_sudo(begin) else 1.0


def is_mostly_sudo(begin: str) -> bool:
    """More than half of the entries with a class are sudoRole."""
    names = len(_NAME.findall(begin))
    return bool(names) and len(SUDO_CLASS.findall(begin)) * 2 > names


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, then memberships and credentials; the file is gone through four times."""
    survey = Survey(stream)
    return _header(survey, mapping), Reading(stream, survey).records()


def _header(survey: Survey, mapping: Options) -> Header:
    doubts = survey.doubts()
    is_said = mapping.get("complete", "").strip().casefold() in ("yes", "true", "ja", "1")
    if not is_said:
        doubts.append(
            "Nothing says that this file lists everything, so what is missing in it does not count as "
            "gone. Set "
            "the option “complete” to yes if the search had no filter and its reader may see all entries."
        )
    covers = {"account", "entitlement", "inclusion", "grant"}
    if survey.has_credentials:
        covers.add("credential")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=survey.domain(),
        is_full=not doubts,
        covers=frozenset(covers),
        control_total=survey.said.entries,
        notes=(*doubts, *survey.notes()),
    )


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="LDAP or Active Directory export (LDIF)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
