"""Findings in words: the rule's sentence filled with facts, what facts are called, where the subject is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Credential, Entitlement, Identity, Revocation
from reviews.models import Finding, ReviewItem
from reviews.rules import RULES
from sessions_app.models import Session

MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")
PEOPLE: Final = ("owner", "person")  # facts that are keys of identities

KINDS: Final[dict[str, Any]] = dict(Credential.Kind.choices)
# What the codes in facts mean, by the fact.
CODES: Final[dict[str, dict[str, Any]]] = {
    "kind": KINDS,
    "what": KINDS
    | {
        "identity": gettext_lazy("machine identity"),
        "privileged": gettext_lazy("privileged"),
        "admin": gettext_lazy("that of an administrator"),
        "wildcard": gettext_lazy("without bounds"),
    },
    "why": {
        "nobody": gettext_lazy("nobody"),
        "machine": gettext_lazy("another machine"),
        "theirs": gettext_lazy("their own"),
        "shared": gettext_lazy("shared by them"),
        "answered_for": gettext_lazy("one of a machine they answer for"),
    },
    "ends": {"never": gettext_lazy("never, as far as the system tells")},
    "end": {
        "no_end": gettext_lazy("has no end"),
        "late_end": gettext_lazy("ends later than its kind allows"),
        "past_end": gettext_lazy("should have ended, and is still there"),
    },
    "rhythm": dict(Identity.Rhythm.choices) | {"": gettext_lazy("unknown")},
    "state": dict(Revocation.State.choices) | {"not_reviewed": gettext_lazy("not reviewed")},
    "who": {
        "anybody": gettext_lazy("Anybody at all"),
        "any_workload": gettext_lazy("Any workload of the same provider"),
    },
    "typed": {"yes": gettext_lazy("yes"), "unknown": gettext_lazy("unknown")},
    "match": dict(Session.Match.choices),
    "verdict": dict(ReviewItem.Verdict.choices),
    "reach": dict(Entitlement.Reach.choices) | dict(Entitlement.Kind.choices),
    "missing": {
        "vendor": gettext_lazy("the vendor"),
        "contact": gettext_lazy("a contact there"),
        "review": gettext_lazy("a review within the period"),
    },
    "weakness": {"deprecated_auth": gettext_lazy("It is let in by a way that is given up.")},
    "closed_because": {
        "rule_off": gettext_lazy("the rule was switched off"),
        "rule_gone": gettext_lazy("the rule is not asked any more"),
    },
}
LABELS: Final[dict[str, Any]] = {
    "allowed": gettext_lazy("Days allowed"),
    "application": gettext_lazy("Application"),
    "at": gettext_lazy("Decided"),
    "because": gettext_lazy("Because of the word"),
    "closed_because": gettext_lazy("Closed because"),
    "consumers": gettext_lazy("Consumers"),
    "custodians": gettext_lazy("Custodians"),
    "due_on": gettext_lazy("Was due"),
    "end": gettext_lazy("End"),
    "ended_on": gettext_lazy("Contract ended"),
    "ends": gettext_lazy("Ends"),
    "expires_at": gettext_lazy("Ends"),
    "exposed_at": gettext_lazy("Exposed"),
    "handed_at": gettext_lazy("Handed over"),
    "kind": gettext_lazy("Kind"),
    "match": gettext_lazy("Right in force"),
    "missing": gettext_lazy("Missing"),
    "others": gettext_lazy("Found with how many more"),
    "owner": gettext_lazy("Owner"),
    "people": gettext_lazy("People who left"),
    "person": gettext_lazy("Person"),
    "reach": gettext_lazy("Way in"),
    "rhythm": gettext_lazy("Rhythm"),
    "same_since": gettext_lazy("The same since"),
    "secrets": gettext_lazy("Secrets older than that"),
    "sessions": gettext_lazy("Sessions"),
    "sha256": gettext_lazy("SHA-256 begins with"),
    "started_at": gettext_lazy("Began"),
    "state": gettext_lazy("State"),
    "storage": gettext_lazy("Kept at"),
    "typed": gettext_lazy("Keystrokes recorded"),
    "used_at": gettext_lazy("Last used"),
    "verdict": gettext_lazy("Decision"),
    "weakness": gettext_lazy("Weakness"),
    "what": gettext_lazy("What"),
    "who": gettext_lazy("Who may"),
    "why": gettext_lazy("Owner is, or account is"),
}
HIDDEN: Final = {"case", "application"}  # keys and switches
KIND_WORDS: Final[dict[str, Any]] = {
    "accounts.account": gettext_lazy("account"),
    "accounts.credential": gettext_lazy("credential"),
    "accounts.entitlement": gettext_lazy("right"),
    "accounts.grant": gettext_lazy("held right"),
    "accounts.identity": gettext_lazy("identity"),
    "accounts.revocation": gettext_lazy("removal"),
    "reviews.reviewitem": gettext_lazy("decided line"),
    "sessions_app.recording": gettext_lazy("recording"),
    "sessions_app.session": gettext_lazy("session"),
}
# The page of each kind of subject, and whether its address holds the key that is found beside its name.
PAGES: Final[dict[str, tuple[str, bool]]] = {
    "accounts.account": ("account", False),
    "accounts.credential": ("account", True),
    "accounts.grant": ("grant", False),
    "accounts.identity": ("identity", False),
    "accounts.revocation": ("revocation", False),
    "reviews.reviewitem": ("item", False),
    "sessions_app.recording": ("session", True),
    "sessions_app.session": ("session", True),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One finding as pages and files show it."""

    finding: Finding
    title: str
    sentence: str
    subject: str
    detail: str
    kind: str
    url: str

    @property
    def owner(self) -> Identity | None:
        """Who answers for the machine it is about, by itself or through its application."""
        of = self.finding.identity
        if of is None or of.is_human:
            return None
        return of.owner or (of.application.owner if of.application else None)


class _Facts(dict[str, str]):
    """What a sentence asks for and nobody knows is said to be unknown."""

    def __missing__(self, key: str) -> str:
        return _("at a time that nobody knows") if key.endswith("_at") else _("unknown")


def lines(findings: Iterable[Finding]) -> list[Line]:
    """In words, with the names of people in facts asked for together. Needs `with_names`."""
    found = list(findings)
    names = _names(found)
    return [_line(one, names) for one in found]


def _line(finding: Finding, names: dict[str, str]) -> Line:
    rule = RULES.get(finding.rule)
    facts = _Facts({key: said(key, value, names) for key, value in finding.facts.items()})
    name, detail, key = (getattr(finding, f"subject_{part}") or "" for part in ("name", "detail", "key"))
    return Line(
        finding=finding,
        title=str(rule.title) if rule else _("A rule that is not asked any more"),
        sentence=rule.said_of(finding.facts) % facts if rule else "",
        subject=name or _("no longer there"),
        detail=detail,
        kind=str(KIND_WORDS.get(finding.subject_type, "")),
        url=_url(finding, key) if name else "",
    )


def _names(findings: list[Finding]) -> dict[str, str]:
    keys = {str(one.facts[name]) for one in findings for name in PEOPLE if name in one.facts}
    if not keys:
        return {}
    rows = Identity.objects.filter(pk__in=keys).values_list("pk", "name")
    return {str(key): name for key, name in rows}


def _url(finding: Finding, key: str) -> str:
    if finding.subject_type not in PAGES:
        return ""
    page, by_found = PAGES[finding.subject_type]
    given = key if by_found else finding.subject_id
    if not given:
        return ""
    return reverse(page, args=[UUID(given) if page in {"identity", "revocation"} else given])


def said(key: str, value: object, names: dict[str, str]) -> str:
    """One fact in words."""
    if key in PEOPLE:
        return names.get(str(value), _("somebody"))
    if isinstance(value, list):
        return ", ".join(said(key, one, names) for one in value)
    if key in CODES and str(value) in CODES[key]:
        return str(CODES[key][str(value)])
    if isinstance(value, str) and MOMENT.fullmatch(value) and (day := _day(value)):
        written = date_format(day, "j M Y", use_l10n=False)
        return written if key.endswith("_since") else _("on %(day)s") % {"day": written}
    return str(value)


def _day(text: str) -> date | None:
    at = parse_datetime(text) if "T" in text else None
    return timezone.localtime(at).date() if at else parse_date(text[:10])


def facts(finding: Finding) -> list[tuple[str | Promise, str]]:
    """What the finding rests on, each fact by what it is called."""
    names = _names([finding])
    return [
        (LABELS.get(key, key.replace("_", " ")), said(key, value, names).removeprefix(_on()))
        for key, value in sorted(finding.facts.items())
        if key not in HIDDEN
    ]


def _on() -> str:
    """How days begin inside a sentence, which a table leaves out."""
    return (_("on %(day)s") % {"day": "\x00"}).partition("\x00")[0]
