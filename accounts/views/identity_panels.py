"""What hangs on an identity's page and has an address of its own: its timeline and its access graph."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import Credential, Entitlement, Identity, ImportRun, Revocation
from accounts.models.access_graph import DEEPEST, graph_of
from accounts.models.timeline import Happening, newest, place_of, words_of
from accounts.ports import timeline
from accounts.views import graph_drawing
from accounts.views.graph_drawing import Box
from portal.ui.render import page
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 60
TOGETHER = 3  # more of one kind at one moment stand as one line

# What the parts of a timeline are called, by who answers the port.
PARTS: dict[str, str | Promise] = {
    "rights": _("Rights"),
    "owners": _("Owners"),
    "accounts": _("Accounts and credentials"),
    "readings": _("Readings"),
    "removals": _("Removals"),
    "decisions": _("Decisions"),
    "sessions": _("Sessions"),
    "engagements": _("Engagements"),
    "log": _("Log"),
}
# Tone and words of each code; `detail` of those in DETAILED is a state of its own.
CODES: dict[str, tuple[str, str | Promise]] = {
    "account_gone": ("", _("Account gone")),
    "account_made": ("", _("Account made")),
    "account_seen": ("", _("Account first seen by a reading")),
    "act_verified": ("good", _("Proven done")),
    "became_deputy": ("", _("Became deputy of")),
    "became_owner": ("", _("Became owner of")),
    "credential_gone": ("good", _("Credential gone")),
    "credential_made": ("", _("Credential made")),
    "credential_rotated": ("good", _("Credential rotated")),
    "decision": ("", _("Decision")),
    "ended_deputy": ("", _("No longer deputy")),
    "ended_owner": ("", _("No longer owner")),
    "engagement_began": ("good", _("Engagement begins")),
    "engagement_ends": ("", _("Engagement ends")),
    "event": ("", _("Recorded in the log")),
    "left_deputy": ("", _("No longer deputy of")),
    "left_owner": ("", _("No longer owner of")),
    "named_deputy": ("", _("Deputy named")),
    "named_owner": ("good", _("Owner named")),
    "owner_accepted": ("good", _("Accepted")),
    "reading": ("", _("Reading that showed something new")),
    "removal_decided": ("", _("To be removed")),
    "removal_reported": ("", _("Removal reported done")),
    "removal_requested": ("", _("Removal asked for")),
    "removal_verified": ("good", _("Proven gone")),
    "removal_withdrawn": ("", _("Removal taken back")),
    "right_gained": ("bad", _("Right gained")),
    "right_gone": ("good", _("Right found gone")),
    "right_seen": ("", _("Right first seen by a reading; held since when is unknown")),
    "session": ("", _("Session")),
}
DETAILED = {"decision", "session"}
LABELS: dict[str, Any] = {
    **dict(Credential.Kind.choices),
    **dict(ImportRun.Provenance.choices),
    **dict(Revocation.Act.choices),
}


@dataclass(slots=True)
class Entry:
    """One line of the timeline: one happening, or several of one kind at one moment."""

    code: str
    tone: str
    words: str | Promise
    happenings: list[Happening] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    @property
    def at(self) -> Any:
        """When."""
        return self.happenings[0].at

    @property
    def has_state(self) -> bool:
        """Its detail is a state with a look of its own."""
        return self.code in DETAILED

    @property
    def pairs(self) -> list[tuple[Happening, str]]:
        """Each with its page."""
        return list(zip(self.happenings, self.urls, strict=True))

    @property
    def is_folded(self) -> bool:
        """Too many to stand one by one."""
        return len(self.happenings) > TOGETHER


@require_safe
def identity_timeline(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that happened to it, newest first, as far as this person may see it."""
    shown, user = _shown(request, pk), cast(User, request.user)
    answers = timeline.ask(shown, user)
    kind = request.GET.get("kind", "")
    chosen = {kind: answers[kind]} if kind in answers else answers
    rows = [part for parts in chosen.values() for part in parts]
    found = newest(rows, PER_PAGE + 1, place_of(request.GET.get("before", "")))
    has_more, found = len(found) > PER_PAGE, found[:PER_PAGE]
    context = {
        "shown": shown,
        "entries": list(_entries(found)),
        "kind": kind if kind in answers else "",
        "kinds": [(key, PARTS.get(key, key)) for key in sorted(answers, key=_in_order) if answers[key]],
        "before": words_of(found[-1]) if has_more else "",
        "is_first": not request.GET.get("before"),
        "sees_log": user.may(Perm.AUDIT_VIEW),
    }
    return page(request, "accounts/identity_timeline.html", context, fragment="accounts/_timeline.html")


def _in_order(key: str) -> tuple[bool, int]:
    """As PARTS has them; what it does not name comes last."""
    return key not in PARTS, list(PARTS).index(key) if key in PARTS else 0


def _entries(found: list[Happening]) -> Iterator[Entry]:
    for (_at, code), group in groupby(found, key=lambda one: (one.at, one.code)):
        tone, words = CODES.get(code, ("", code))
        together = [one._replace(detail=str(LABELS.get(one.detail, one.detail))) for one in group]
        alone = [[one] for one in together] if len(together) <= TOGETHER else [together]
        for happenings in alone:
            urls = [reverse(one.page, args=[one.key]) if one.page else "" for one in happenings]
            yield Entry(code, tone, words, happenings, urls)


@require_safe
def identity_graph(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What its accounts reach, drawn and listed; the address says how deep, what is open, what is sought."""
    shown, user = _shown(request, pk), cast(User, request.user)
    words, opened = request.GET.get("q", "").strip()[:100], request.GET.get("open", "").split()
    wished = request.GET.get("depth", "")
    is_number = wished.isdecimal() and len(wished) < 3
    depth = min(max(int(wished), 1), DEEPEST) if is_number else graph_drawing.DEPTH
    graph = graph_of(shown.pk, user)
    drawing = graph_drawing.draw(graph, opened=frozenset(opened), words=words, depth=depth)
    for box in drawing.everywhere():
        more: dict[str, str | int] = {"depth": depth, "q": words, "open": " ".join([*opened, box.opens])}
        box.opener = f"{reverse('identity_graph', args=[shown.pk])}?{urlencode(more)}"
        box.url = _page_of(box, user)
        box.caption = _caption(box)
    context = {
        "shown": shown,
        "drawing": drawing,
        "is_whole": graph.is_whole,
        "words": words,
        "opened": opened,
        "depth": depth,
        "depths": range(1, DEEPEST + 1),
    }
    return page(request, "accounts/identity_graph.html", context, fragment="accounts/_graph.html")


def _page_of(box: Box, user: User) -> str:
    """The account's page, the grant's where it was granted to one, else everybody who has the right."""
    if box.node is None:
        return ""
    if box.node.account_id is not None:
        return reverse("account", args=[box.node.account_id])
    if box.grant_id is not None:
        return reverse("grant", args=[box.grant_id])
    if box.node.entitlement_id is not None and user.may(Perm.INVENTORY_VIEW):
        return f"{reverse('as_of')}?right={box.node.entitlement_id}"
    return ""


def _caption(box: Box) -> str:
    """The second line: what it is, how privileged, where."""
    if box.node is None:
        words = ngettext("%(count)d privileged", "%(count)d privileged", box.privileged)
        return words % {"count": box.privileged} if box.privileged else str(_("none known to be privileged"))
    kinds = {"account": _("account"), **dict(Entitlement.Kind.choices)}
    privileged = {True: _("privileged"), None: "", False: ""}[box.node.is_privileged]
    eligible = _("to be switched on") if box.is_eligible else ""
    said = (kinds.get(box.node.kind, box.node.kind), privileged, eligible, box.node.sub)
    return ", ".join(str(part) for part in said if part)


def _shown(request: HttpRequest, pk: UUID) -> Identity:
    return get_object_or_404(Identity.objects.visible_to(request.user), pk=pk)
