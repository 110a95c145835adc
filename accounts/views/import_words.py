"""The words for what a reading says: kinds, changes, warnings and reasons, kept in the record as codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Account, ImportRun

KINDS: dict[str, str | Promise] = {
    "person": gettext_lazy("People’s engagements"),
    "account": gettext_lazy("Accounts"),
    "entitlement": gettext_lazy("Rights, groups and roles"),
    "inclusion": gettext_lazy("What brings what"),
    "grant": gettext_lazy("Who holds what"),
    "credential": gettext_lazy("Credentials"),
}
SORTS: dict[str, str | Promise] = {
    "new": gettext_lazy("new"),
    "changed": gettext_lazy("changed"),
    "returned": gettext_lazy("back again"),
    "gone": gettext_lazy("gone"),
}
CUTS: dict[str, str | Promise] = {
    "secret_name": gettext_lazy("named like a secret"),
    "secret_value": gettext_lazy("held a secret"),
    "unmapped": gettext_lazy("not needed here"),
    "ragged_row": gettext_lazy("another number of cells than the header"),
    "comment": gettext_lazy("a remark"),
}
WHY_NOT: dict[str, str | Promise] = {
    "not_complete": gettext_lazy("the file does not list everything"),
    "time_unknown": gettext_lazy("nobody knows when it was read at the source"),
    "taken_before": gettext_lazy("it was read before the removal was asked for or reported"),
    "has_rejects": gettext_lazy("some of its rows could not be read"),
}
OPTIONS: dict[str, str | Promise] = {
    "complete": gettext_lazy("Lists everything"),
    "covers": gettext_lazy("Of these kinds"),
    "encoding": gettext_lazy("Encoding"),
    "sheet": gettext_lazy("Sheet"),
    "dates": gettext_lazy("Dates with slashes"),
    "zone": gettext_lazy("Time zone"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about a reading, and how loud it is."""

    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Count:
    """One kind's row of the table of counts."""

    kind: str
    label: str | Promise
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of one kind and sort, and how many there are in all."""

    anchor: str
    label: str | Promise
    sort: str | Promise
    rows: list[list[str]]
    total: int


def counts(run: ImportRun) -> list[Count]:
    """In the order in which people think of them."""
    return [Count(kind, label, run.counts[kind]) for kind, label in KINDS.items() if kind in run.counts]


def samples(run: ImportRun) -> list[Sample]:
    """What is gone first: it is what should be looked at."""
    found = run.preview.get("samples", {})
    return [
        Sample(f"{kind}-{sort}", label, SORTS[sort], found[kind][sort], run.counts[kind][sort])
        for sort in ("gone", "new", "returned", "changed")
        for kind, label in KINDS.items()
        if found.get(kind, {}).get(sort)
    ]


def changes_nothing(run: ImportRun) -> bool:
    """Neither a row nor a link nor a removal would be different afterwards."""
    rows = sum(one.get(sort, 0) for one in run.counts.values() for sort in SORTS)
    proof = run.preview.get("proof", {})
    others = (
        sum(run.preview.get("links", {}).values()) + proof.get("verified", 0) + proof.get("reappeared", 0)
    )
    return not rows and not others and bool(run.counts)


def notices(run: ImportRun) -> list[Notice]:
    """Refusals, warnings, and what the file says about itself."""
    preview = run.preview
    found = [Notice("bad", _refusal(one)) for one in preview.get("refusals", ())]
    found += [Notice(*_warning(one)) for one in preview.get("warnings", ())]
    found += [Notice("info", note) for note in preview.get("notes", ()) if not _is_said(note, preview)]
    return [notice for notice in found if notice.words]


def links(run: ImportRun) -> list[Notice]:
    """Whose accounts they are: how they were linked, and what was left for a person."""
    found = []
    doubts, methods = dict(Account.Doubt.choices), dict(Account.Match.choices)
    for code, number in sorted(run.preview.get("links", {}).items()):
        if code in doubts:
            words = ngettext(
                "%(n)d account is linked to nobody: %(why)s.",
                "%(n)d accounts are linked to nobody: %(why)s.",
                number,
            )
            found.append(Notice("warn", words % {"n": number, "why": doubts[code]}))
        else:
            words = ngettext("%(n)d account is linked %(how)s.", "%(n)d accounts are linked %(how)s.", number)
            found.append(Notice("good", words % {"n": number, "how": methods[code]}))
    if machines := run.preview.get("machines"):
        words = ngettext(
            "%(n)d machine identity is seen for the first time; nobody answers for it yet.",
            "%(n)d machine identities are seen for the first time; nobody answers for them yet.",
            machines,
        )
        found.append(Notice("info", words % {"n": machines}))
    return found


def proof(run: ImportRun) -> list[Notice]:
    """What it says of removals that were asked for."""
    said, found = run.preview.get("proof", {}), []
    if number := said.get("verified"):
        words = ngettext("%(n)d removal is proved.", "%(n)d removals are proved.", number)
        found.append(Notice("good", words % {"n": number}))
    for code, number in sorted(said.get("why_not", {}).items()):
        words = ngettext(
            "%(n)d removal: absent, not proven, because %(why)s.",
            "%(n)d removals: absent, not proven, because %(why)s.",
            number,
        )
        found.append(Notice("warn", words % {"n": number, "why": WHY_NOT.get(code, code)}))
    if number := said.get("reappeared"):
        words = ngettext("%(n)d proved removal is back.", "%(n)d proved removals are back.", number)
        found.append(Notice("bad", words % {"n": number}))
    return found


def fuse(run: ImportRun) -> list[str]:
    """Why one person alone may not apply it."""
    return [_reason(one) for one in run.preview.get("fuse", {}).get("reasons", ())]


def leavers(run: ImportRun) -> list[list[str]]:
    """Name and department of those who would leave, where that is what a second person looks at."""
    reasons = run.preview.get("fuse", {}).get("reasons", ())
    return [row for one in reasons for row in one.get("leavers", ())]


def _reason(said: Mapping[str, Any]) -> str:
    number = said["count"]
    match said["code"]:
        case "many_gone":
            words = _("%(kind)s: %(n)d of %(of)d would be gone.")
            return words % {"kind": KINDS.get(said["kind"], said["kind"]), "n": number, "of": said["of"]}
        case "leavers":
            return _("%(n)d of %(of)d people would leave.") % {"n": number, "of": said["of"]}
        case "emergency":
            words = ngettext(
                "It takes something from %(n)d emergency account%(names)s.",
                "It takes something from %(n)d emergency accounts%(names)s.",
                number,
            )
        case _:
            words = ngettext(
                "Nobody would hold %(n)d administrator right any longer%(names)s.",
                "Nobody would hold %(n)d administrator rights any longer%(names)s.",
                number,
            )
    names = ": " + ", ".join(said["names"]) if said.get("names") else ""
    return words % {"n": number, "names": names}


def _refusal(said: Mapping[str, Any]) -> str:
    if said["code"] == "older_than_applied":
        at = datetime.fromisoformat(said["at"])
        return _(
            "It can’t be applied: a reading taken later, on %(at)s UTC, is part of the record already, and "
            "this one would bring back what has ended since. Discard it."
        ) % {"at": f"{at:%Y-%m-%d %H:%M}"}
    return _("It can’t be applied.")


def _warning(said: Mapping[str, Any]) -> tuple[str, str]:
    code, number = said["code"], said.get("count", 0)
    match code:
        case "count_differs":
            words = _(
                "The file holds %(n)d rows, and %(of)d were counted at the source. Something is missing or "
                "was changed, so nothing that is missing in it counts as gone. Export it again."
            )
            return "bad", words % {"n": number, "of": said["of"]}
        case "record_changed":
            return "warn", _(
                "The record has changed since you looked, so nothing was applied. This is how it stands now."
            )
        case "rejected":
            words = ngettext(
                "%(n)d row could not be read. Until all can, nothing that is missing counts as gone.",
                "%(n)d rows could not be read. Until all can, nothing that is missing counts as gone.",
                number,
            )
            return "warn", words % {"n": number}
        case "time_unknown":
            return "warn", _("Nobody knows when it was read at the source, so it proves nothing gone.")
        case "not_complete":
            return "info", _("It does not list everything, so what is missing in it does not count as gone.")
        case _:
            return "warn", _about_people(code, number)


def _about_people(code: str, number: int) -> str:
    sentences = {
        "shared_addresses": _(
            "%d rows share an e-mail address under different names; nobody was joined by it."
        ),
        "leavers_addresses": _("%d new people have the address of somebody who left; they are kept apart."),
        "unknown_managers": _("%d managers are not in the file; those people have none until they are."),
        "circular_managers": _(
            "%d people would be their own manager over others; they have none until HR corrects it."
        ),
    }
    return sentences[code] % number if code in sentences else ""


def _is_said(note: str, preview: Mapping[str, Any]) -> bool:
    """The connector's note on completeness is a warning of ours already."""
    codes = {one["code"] for one in preview.get("warnings", ())}
    return "not_complete" in codes and note.startswith("Nothing says that this file lists everything")
