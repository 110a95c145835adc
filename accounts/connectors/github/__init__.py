"""GitHub: members, teams, repositories, apps, keys, tokens and secrets of an organisation.

Read from answers of its API, saved as JSON or recorded. People are by their number, which stays when a login
is changed. A right that a team hands on is an inclusion and never a grant.
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
from accounts.connectors.github.facts import Facts
from accounts.connectors.github.gather import facts
from accounts.connectors.github.records import Telling
from accounts.connectors.github.routes import Listing
from accounts.connectors.records import Header, Record, Rejected, Unreadable
from accounts.connectors.text import Readable

KEY, VERSION = "github", 1
OPTIONS = ("complete",)
# Lists *about* secrets: names and dates.
ABOUT = frozenset({"secrets", "organization_secrets", "personal_access_tokens", "tokens"})
_PAGE_SIZE = 30  # what GitHub answers when nobody asks for more
_SURE = re.compile(
    r'api\.github\.com|"(?:node_id|app_slug|gravatar_id|two_factor_requirement_enabled)"\s*:'
    r"|/api/v3/(?:orgs|repos|users)/|\"membersWithRole\"\s*:"
)
_MAYBE = re.compile(
    r'"(?:repository_selection|token_last_used_at|include_claim_keys)"\s*:|"/?(?:orgs|repos)/[^"]+"\s*:'
)
# Without these lists the file cannot say that an account or a grant is gone.
_NEEDED = {
    "members": "members (orgs/…/members)",
    "outside": "outside collaborators (orgs/…/outside_collaborators)",
    "teams": "teams (orgs/…/teams)",
    "installations": "installed apps (orgs/…/installations)",
    "repos": "repositories (orgs/…/repos)",
    "hooks": "webhooks (orgs/…/hooks)",
    "org_secrets": "secrets of workflows (orgs/…/actions/secrets)",
    "tokens": "fine-grained tokens (orgs/…/personal-access-tokens)",
}


def sniff(head: bytes, _name: str) -> float:
    """By addresses and members that only GitHub's API has."""
    begin = text.beginning(head) or ""
    if not begins_like_answers(begin):
        return 0.0
    if _SURE.search(begin) is not None:
        return 1.0
    return 0.6 if _MAYBE.search(begin) is not None else 0.0


def admit(stream: Readable, _mapping: Options, sink: Sink) -> Kept:
    """Everything but secrets: headers and requests of a recording, secrets of webhooks, token values."""
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
            "Nothing in the file is a list of GitHub's API. Save the answers of orgs/…/members, orgs/…/teams "
            "and the like unchanged, best as a recording or as an object of answers by their address.",
            1,
        )
    return found


def _header(read_answers: Answers, found: Facts, telling: Telling, doubts: list[str]) -> Header:
    notes = [*doubts, *read_answers.notes]
    if telling.through_children:
        notes.append(
            "GitHub lists members of a team below with the team above as well; they count through the team "
            f"below: {telling.through_children}."
        )
    if found.has_effective:
        notes.append(
            "Collaborators were listed without affiliation=direct, so rights through teams and ownership "
            f"that the file does not explain count as direct (explained: {telling.explained})."
        )
    if found.pending:
        notes.append(f"Invitations that nobody has accepted are left out: {found.pending}.")
    notes += [
        f"{placed.value.get('login')} does not require a second factor of its members."
        for placed in found.organizations.values()
        if placed.value.get("two_factor_requirement_enabled") is False
    ]
    notes += [
        f"The workflow tokens of {where or 'the organisation'} are told apart by: {claims}."
        for where, claims in found.sub_claims
    ]
    if found.unknown:
        notes.append(f"Answers that hold nothing of the inventory: {', '.join(sorted(found.unknown)[:10])}.")
    return Header(
        format=KEY,
        version=VERSION,
        system_reference=",".join(sorted(found.orgs.values(), key=str.casefold)) or None,
        taken_at=read_answers.taken_at,
        is_full=not doubts,
        covers=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
        notes=tuple(notes),
    )


def _doubts(found: Facts, lost: int, mapping: Options) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts: list[str] = []
    says_complete = mapping.get("complete") == "yes"
    if mapping.get("complete") == "no":
        doubts.append("The source is set up as not complete.")
    groups: dict[tuple[object, ...], list[Listing]] = {}
    for kind, lists in found.listed.items():
        for one in lists:
            if not one.is_single and one.name != "graphql":
                groups.setdefault((kind, one.name, one.answer.listing), []).append(one)
    for pages in groups.values():
        why = doubt([one.answer for one in pages], pages[0].name, _PAGE_SIZE)
        if why is not None and not (says_complete and why == UNSAID):
            doubts.append(f"{pages[0].kind.replace('_', ' ').capitalize()}: {why}.")
    if "graphql" in found.listed:
        doubts.append("GraphQL answers hold what was asked for, which the file does not say.")
    missing = [words for kind, words in _NEEDED.items() if not _has(found, kind)]
    missing += [
        f"members and repositories of the team {team.name}"
        for team in list(found.teams.values())[:20]
        if not _has_team(found, team.slug, team.key)
    ]
    missing += [
        f"collaborators and keys of {name}"
        for key, name in list(found.repo_names.items())[:20]
        if not all(_has_repo(found, kind, key) for kind in ("collaborators", "keys"))
    ]
    if missing and not says_complete:
        doubts.append(
            f"The file has no list of {'; '.join(missing[:8])}. If that is all there is to know, set the "
            "option “complete” to yes."
        )
    if lost:
        doubts.append(f"Answers and items that could not be read: {lost}.")
    return doubts


def _has(found: Facts, kind: str) -> bool:
    """Whether a list of this kind is there that was not narrowed to a part."""
    lists = found.listed.get(kind, [])
    if kind != "members":
        return bool(lists)
    asked = {one.answer.query.get("role", "all") for one in lists if "filter" not in one.answer.query}
    return "all" in asked or {"admin", "member"} <= asked


def _has_team(found: Facts, slug: str, key: str) -> bool:
    named = {slug.casefold(), key.casefold()}
    return all(
        any(len(one.where) > 1 and one.where[1].casefold() in named for one in found.listed.get(kind, []))
        for kind in ("team_members", "team_repos")
    )


def _has_repo(found: Facts, kind: str, key: str) -> bool:
    return any(one.where[:1] and one.where[0].casefold() == key for one in found.listed.get(kind, []))


CONNECTOR = Connector(
    key=KEY,
    version=VERSION,
    label="GitHub (JSON of its API, recordings)",
    reads=frozenset({"account", "entitlement", "inclusion", "grant", "credential"}),
    sniff=sniff,
    admit=admit,
    read=read,
    options=OPTIONS,
)
