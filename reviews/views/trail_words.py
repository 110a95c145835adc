"""Lines of the log in words: who acted, what it was about, and the facts that mean something to a reader."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Model, QuerySet
from django.urls import reverse

from accounts.models import Account, Identity, ImportRun, OffboardingCase, Revocation, Source, System
from portal.audit import cards
from portal.audit.models import Event
from portal.users.models import Approval, Token, User
from reviews.models import Assignment, Campaign, EvidencePack, ReviewItem
from sessions_app.models import Recorder, Recording, Session

# Digests and keys bind the line to other evidence; they stand on the line's own page, not in a list.
BINDING = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FACTS_IN_A_LINE = 6
# What a reader looks for first.
TELLING = ("verdict", "act", "reason", "because", "state", "role", "code")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line is about: a name, and its page if it has one."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How rows of a model are found, named and linked."""

    find: Callable[[User, list[str]], "QuerySet[Model]"]
    name: Callable[[Model], str]
    url: Callable[[Model], str]


def _seen(model: type[Model], *related: str) -> Callable[[User, list[str]], "QuerySet[Model]"]:
    """What this reader may see of a model; the rest of the log names no rows of it."""

    def find(user: User, keys: list[str]) -> "QuerySet[Model]":
        found = model._default_manager.filter(pk__in=keys).select_related(*related)
        visible = getattr(model._default_manager, "visible_to", None)
        return found.filter(pk__in=visible(user).values("pk")) if visible else found

    return find


def _page(name: str, key: str = "pk") -> Callable[[Model], str]:
    return lambda row: reverse(name, args=[getattr(row, key)])


def _nowhere(_row: Model) -> str:
    return ""


KINDS: dict[str, _Kind] = {
    "accounts.account": _Kind(_seen(Account, "system"), lambda a: f"{a} · {a.system}", _page("account")),  # type: ignore[attr-defined]
    "accounts.identity": _Kind(_seen(Identity), str, _page("identity")),
    "accounts.importrun": _Kind(_seen(ImportRun, "source"), lambda r: str(r.source), _page("import_run")),  # type: ignore[attr-defined]
    "accounts.offboardingcase": _Kind(_seen(OffboardingCase), str, _page("offboarding", "code")),
    "accounts.revocation": _Kind(_seen(Revocation, "system"), lambda r: str(r.system), _page("revocation")),  # type: ignore[attr-defined]
    "accounts.source": _Kind(_seen(Source), str, _page("source")),
    "accounts.system": _Kind(_seen(System), str, _page("system", "code")),
    "reviews.assignment": _Kind(_seen(Assignment, "reviewer"), lambda a: str(a.reviewer), _nowhere),  # type: ignore[attr-defined]
    "reviews.campaign": _Kind(_seen(Campaign), str, _page("campaign", "code")),
    "reviews.evidencepack": _Kind(_seen(EvidencePack), str, _page("pack", "code")),
    "reviews.reviewitem": _Kind(
        _seen(ReviewItem, "campaign"),
        lambda i: f"{i.campaign}/{i.number}",  # type: ignore[attr-defined]
        _page("item"),
    ),
    "sessions_app.recorder": _Kind(_seen(Recorder), str, _nowhere),
    "sessions_app.recording": _Kind(
        _seen(Recording, "session"),
        lambda r: str(r.session),  # type: ignore[attr-defined]
        lambda r: reverse("session", args=[r.session.code]),  # type: ignore[attr-defined]
    ),
    "sessions_app.session": _Kind(_seen(Session), str, _page("session", "code")),
    "users.approval": _Kind(_seen(Approval), lambda a: a.action_label, _nowhere),  # type: ignore[attr-defined]
    "users.token": _Kind(_seen(Token), str, _nowhere),
    "users.user": _Kind(_seen(User), str, _nowhere),
}


def subjects(events: Iterable[Event], user: User) -> dict[str, Subject]:
    """The subjects of some lines by their `about`, one query a kind."""
    wanted: dict[str, list[str]] = {}
    for event in events:
        wanted.setdefault(event.subject_type, []).append(event.subject_id)
    found = {}
    for label, keys in wanted.items():
        if kind := KINDS.get(label):
            for row in kind.find(user, sorted(set(keys))):
                found[f"{label}:{row.pk}"] = Subject(kind.name(row), kind.url(row))
    return found


def actors(events: Iterable[Event]) -> dict[int, str]:
    """Who acted, as their card said then; the portal itself has no name here."""
    lines = list(events)
    read = cards.read_many({bytes(event.actor_card) for event in lines if event.actor_card})
    names = {}
    for event in lines:
        card = read.get(bytes(event.actor_card)) if event.actor_card else None
        names[event.pk] = (
            str(card["name"]) if card else ("" if event.actor_kind == "portal" else event.actor_id)
        )
    return names


def facts(event: Event) -> list[tuple[str, str]]:
    """The facts a reader can use: words and counts, without keys, digests and empty values."""
    readable = []
    for key, value in sorted(event.facts.items(), key=lambda fact: (fact[0] not in TELLING, fact[0])):
        words = _words(value)
        if words:
            readable.append((key.replace("_", " "), words))
    return readable[:FACTS_IN_A_LINE]


def _words(value: object) -> str:
    if value is None or value == "" or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(words for inner in value if (words := _words(inner)))
    text = str(value)
    return "" if BINDING.fullmatch(text) else text
