"""GitLab: users, groups, projects, members, keys and tokens, from answers of its API saved or recorded.

A level of a group is a role; what it hands on to groups and projects below, and to groups that were invited,
is an inclusion.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from accounts.connectors import text
from accounts.connectors.connector import Connector, Kept, Options, Sink
from accounts.connectors.exchanges.answers import (
    LIMIT,
    UNSAID,
    Answers,
    admit_answers,
    answers,
    begins_like_answers,
    doubt,
)
from accounts.connectors.gitlab.facts import Facts, Listing, facts
from accounts.connectors.gitlab.records import Telling
from accounts.connectors.records import Header, Record, Rejected, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "gitlab", 1
OPTIONS = ("complete",)
# Lists *about* secrets: names, scopes and dates.
ABOUT = frozenset({"personal_access_tokens", "access_tokens", "deploy_tokens"})
_PAGE_SIZE = 20  # what GitLab answers when nobody asks for more
_SURE = re.compile(
    r"/api/v4/(?:groups|projects|personal_access_tokens|deploy_keys|deploy_tokens)\b"
    r'|"(?:path_with_namespace|last_activity_on|shared_with_groups|projects_with_write_access|group_saml_identity)"\s*:'
)
_MEMBER = re.compile(r'"access_level"\s*:\s*\d')
_TOKEN = re.compile(r'"scopes"\s*:\s*\[')
_USER = (re.compile(r'"username"\s*:\s*"'), re.compile(r'"web_url"\s*:\s*"'), re.compile(r'"state"\s*:\s*"'))
_NEEDED = {
    "users": "users (users)",
    "groups": "groups (groups)",
    "projects": "projects (projects)",
    "personal_tokens": "personal access tokens (personal_access_tokens)",
    "deploy_keys": "deploy keys (deploy_keys)",
}


def sniff(head: bytes, _name: str) -> float:
    """By addresses and members that only GitLab's API has."""
    begin = text.beginning(head) or ""
    if not begins_like_answers(begin):
        return 0.0
    if _SURE.search(begin) is not None:
        return 1.0
    if _MEMBER.search(begin) is not None and '"username"' in begin:
        return 0.9
    if _TOKEN.search(begin) is not None and '"user_id"' in begin and '"revoked"' in begin:
        return 0.7
    return 0.6 if all(one.search(begin) for one in _USER) else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: headers and requests of a recording, values of variables, tokens."""
    whole = text.whole(stream, LIMIT)
    _facts(answers(whole))
    return admit_answers(whole, sink, ABOUT)


def read(stream: BinaryIO, mapping: Options) -> tuple[Header, Iterator[Record]]:
    """Entitlements and accounts, each before the grants that name them."""
    read_answers = answers(text.whole(stream, LIMIT))
    found = _facts(read_answers)
    telling = Telling(found)
    records = list(telling.records())
    lost = sum(isinstance(one, Rejected) for one in records)
    return _header(read_answers, found, telling, _doubts(found, lost, mapping)), iter(records)


def _facts(read_answers: Answers) -> Facts:
    found = facts(read_answers)
    if not found.listed and not found.rejected:
        raise Unreadable(
            "wrong_json",
            "Nothing in the file is a list of GitLab's API. Save the answers of api/v4/users, groups, "
            "projects and their members unchanged, best as a recording or as an object of answers by "
            "their address.",
            1,
        )
    return found


def _header(read_answers: Answers, found: Facts, telling: Telling, doubts: list[str]) -> Header:
    notes = [*doubts, *read_answers.notes]
    if telling.explained:
        notes.append(f"Members that a group above explains count there, not once more: {telling.explained}.")
    if telling.pending:
        notes.append(f"Memberships that wait for somebody are left out: {telling.pending}.")
    if telling.ending_shares:
        notes.append(
            f"Invitations of groups that end by themselves, which is not kept: {telling.ending_shares}."
        )
    if found.unknown:
        notes.append(f"Answers that hold nothing of the inventory: {', '.join(sorted(found.unknown)[:10])}.")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(sorted(found.hosts)) or None,
        taken_at=read_answers.taken_at,
        is_full=not doubts,
        covers=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
        notes=tuple(notes),
    )


def _doubts(found: Facts, lost: int, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts = ["The source is set up as not complete."] if mapping.get("complete") == "no" else []
    says_complete = mapping.get("complete") == "yes"
    groups: dict[tuple[object, ...], list[Listing]] = {}
    for kind, lists in found.listed.items():
        for one in lists:
            if not one.is_single:
                groups.setdefault((kind, one.name, one.answer.listing), []).append(one)
    for pages in groups.values():
        what = pages[0].kind.replace("_", " ").capitalize()
        why = doubt([one.answer for one in pages], pages[0].name, _PAGE_SIZE)
        if why is not None and not (says_complete and why == UNSAID):
            doubts.append(f"{what}: {why}.")
        if asked := sorted(pages[0].answer.narrowed):
            doubts.append(f"{what}: asked for with {', '.join(asked)}, so it is a part only.")
    missing = [words for kind, words in _NEEDED.items() if kind not in found.listed]
    seen = {
        (one.place[0], found.place(one.place, 1).number)
        for one in found.listed.get("members", [])
        if one.place[1]
    }
    missing += [f"members of {place.path}" for key, place in found.places.items() if key not in seen]
    if missing and not says_complete:
        doubts.append(
            f"The file has no list of {'; '.join(missing[:8])}. If that is all there is to know, set the "
            "option “complete” to yes."
        )
    if lost:
        doubts.append(f"Answers and items that could not be read: {lost}.")
    return doubts


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="GitLab (JSON of its API, recordings)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
