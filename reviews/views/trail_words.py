"""Lines of the log in words: who acted, what it was about, and the facts that mean something to a reader."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.apps import apps
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import (
    Account,
    Application,
    CaseLine,
    Identity,
    ImportRun,
    OffboardingCase,
    Revocation,
    Source,
    System,
)
from portal.audit import cards
from portal.audit.models import Event
from portal.users.models import Approval, Token, User
from reviews.models import (
    Assignment,
    Campaign,
    Decision,
    Evaluation,
    EvidencePack,
    Finding,
    ReviewItem,
    RuleSetting,
)
from sessions_app.models import Recorder, Recording, Session

# Digests and keys bind the line to other evidence; they stand on the line's own page, not in a list.
BINDING = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?")
FACTS_IN_A_LINE = 5
# What a reader looks for first.
TELLING = ("verdict", "act", "reason", "because", "state", "role", "ends_at", "until")
# What a list leaves out: what the line is about stands beside it, numbers of rows name nothing, and the
# moments of other acts have lines of their own. The line's own page has them all.
SAID_ELSEWHERE = {
    *("account", "campaign", "case", "code", "credential", "decision", "grant", "item", "ordinal", "system"),
    *("connector_version", "joined", "reference"),
    *("last_seen_at", "recorder_seen_at", "reported_at", "requested_at", "verified_at"),
}


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


def _lines_seen(user: User, keys: list[str]) -> "QuerySet[Model]":
    """The lines of those offboardings that this reader may know of."""
    cases = OffboardingCase.objects.visible_to(user)
    return CaseLine.objects.filter(pk__in=keys, case__in=cases).select_related("case")


def _what_goes(row: Model) -> str:
    """A removal by the right, the credential or the account, and its system."""
    assert isinstance(row, Revocation)  # noqa: S101 - the table below pairs it with its own model
    if row.grant is not None:
        return f"{row.grant.entitlement.name} · {row.system}"
    return f"{row.credential or row.on_account.name} · {row.system}"


KINDS: dict[str, _Kind] = {
    "accounts.account": _Kind(_seen(Account, "system"), lambda a: f"{a} · {a.system}", _page("account")),  # type: ignore[attr-defined]
    "accounts.application": _Kind(_seen(Application), str, _page("application")),
    "accounts.caseline": _Kind(
        _lines_seen,
        lambda line: f"{line.case}: {line.label}",  # type: ignore[attr-defined]
        lambda line: reverse("offboarding", args=[line.case.code]),  # type: ignore[attr-defined]
    ),
    "accounts.identity": _Kind(_seen(Identity), str, _page("identity")),
    "accounts.importrun": _Kind(_seen(ImportRun, "source"), lambda r: str(r.source), _page("import_run")),  # type: ignore[attr-defined]
    "accounts.offboardingcase": _Kind(_seen(OffboardingCase), str, _page("offboarding", "code")),
    "accounts.revocation": _Kind(
        _seen(Revocation, "system", "grant__entitlement", "credential__account", "account"),
        _what_goes,
        _page("revocation"),
    ),
    "accounts.source": _Kind(_seen(Source), str, _page("source")),
    "accounts.system": _Kind(_seen(System), str, _page("system", "code")),
    "reviews.assignment": _Kind(_seen(Assignment, "reviewer"), lambda a: str(a.reviewer), _nowhere),  # type: ignore[attr-defined]
    "reviews.campaign": _Kind(_seen(Campaign), str, _page("campaign", "code")),
    "reviews.evidencepack": _Kind(_seen(EvidencePack), str, _page("pack", "code")),
    "reviews.evaluation": _Kind(_seen(Evaluation), lambda e: e.get_trigger_display(), _nowhere),  # type: ignore[attr-defined]
    "reviews.finding": _Kind(_seen(Finding), lambda f: f.rule, _page("finding")),  # type: ignore[attr-defined]
    "reviews.rulesetting": _Kind(_seen(RuleSetting), str, _page("rule")),
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


def kind_of(event: Event) -> str:
    """What kind of thing a line is about, where the thing itself is not there or not for this reader."""
    try:
        return str(apps.get_model(event.subject_type)._meta.verbose_name)
    except (LookupError, ValueError):
        return event.subject_type


def facts(event: Event) -> list[tuple[str, str]]:
    """The facts a reader can use: words and counts, without keys, digests and empty values."""
    readable = []
    for key, value in sorted(event.facts.items(), key=_how_telling):
        words = "" if key in SAID_ELSEWHERE else _words(value)
        if words:
            readable.append((key.removesuffix("_at").replace("_", " "), _called(key, words)))
    return readable[:FACTS_IN_A_LINE]


def _how_telling(fact: tuple[str, object]) -> tuple[int, str]:
    """What a reader looks for first, in its order; then the others by name."""
    key = fact[0]
    return (TELLING.index(key) if key in TELLING else len(TELLING), key)


def _called(key: str, words: str) -> str:
    """Codes that have a name on every other page have it here."""
    named: dict[str, dict[str, str]] = {
        "verdict": {code: str(label) for code, label in Decision.Verdict.choices},
        "coverage": {code: str(label) for code, label in Decision.Coverage.choices},
        "act": {code: str(label) for code, label in Revocation.Act.choices},
    }
    return named.get(key, {}).get(words, words)


def _words(value: object) -> str:
    if value is None or value == "" or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(words for inner in value if (words := _words(inner)))
    text = str(value)
    if MOMENT.fullmatch(text):
        return _day(text)
    return "" if BINDING.fullmatch(text) else text


def _day(text: str) -> str:
    """A day, or a moment in the portal's zone, as every other page writes it."""
    try:
        at = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:  # it looks like a day and is none
        return text
    if "T" not in text:
        return date_format(at, "j M Y", use_l10n=False)
    return date_format(timezone.localtime(at), "j M Y, H:i", use_l10n=False)
