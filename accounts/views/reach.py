"""Who may enter: every way to a privileged session on a system, found by host and account, and exported."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.forms.reach import ReachFilter
from accounts.models import Account, System, SystemShare, reach
from accounts.services import exporting
from accounts.views.identities import me
from accounts.views.reach_rows import (
    COLUMNS,
    Entry,
    as_row,
    decisions_on,
    entries,
    grouped,
    judge_recording,
    judge_review,
    recording_of,
)
from portal import exports, moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm

MOST = 5_000  # paths that a page reads; whoever has more narrows, and a file holds them all
PER_PAGE = 100
HITS = 20
PANEL_SYSTEMS, PANEL_ROWS = 6, 12
_ON = re.compile(r"^(?P<account>.+?)(?:@|\s+on\s+)(?P<host>[^@\s]+)$", re.IGNORECASE)


def open_to(user: User) -> QuerySet[System]:
    """Systems whose every way in somebody may see: by role, as owner or deputy, or because it was shared.

    Carriers and reviewers see a system without seeing who can enter it.
    """
    shown = System.objects.visible_to(user)
    if allowed(user, Perm.INVENTORY_VIEW):
        return shown
    shared = SystemShare.objects.filter(user=user, until__gt=moment.now()).values("content_object")
    mine = Q(pk__in=shared)
    if user.identity_id is not None:
        mine |= Q(owner=user.identity_id) | Q(deputy=user.identity_id)
    return shown.filter(mine)


def is_open_to(user: User, system: System) -> bool:
    """Whether somebody may see every way into this one, which they may see."""
    return allowed(user, Perm.INVENTORY_VIEW) or open_to(user).filter(pk=system.pk).exists()


def _opened(request: HttpRequest, code: str) -> System:
    """404 for what somebody may not see, 403 for what they see without its ways in."""
    shown = get_object_or_404(System.objects.visible_to(request.user).select_related("owner"), code=code)
    if not is_open_to(me(request), shown):
        require(request.user, Perm.INVENTORY_VIEW)
    return shown


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts of what the database was asked for, each a link to its rows."""

    people: int
    machines: int
    nobody: int
    standing: int
    not_recorded: int
    never_reviewed: int
    red: int

    @classmethod
    def of(cls, found: list[Entry]) -> "Numbers":
        """One pass each; there are at most `MOST`."""
        who = [entry.path.who for entry in found]
        return cls(
            who.count("people"),
            who.count("machines"),
            who.count("nobody"),
            sum(entry.path.state == "standing" for entry in found),
            sum(entry.recording == "not_recorded" for entry in found),
            sum(entry.review is None for entry in found),
            sum(entry.is_red for entry in found),
        )


@require_GET
def system_reach(request: HttpRequest, code: str) -> HttpResponse:
    """Every path to a privileged session on this system, or as one account of it."""
    shown, at = _opened(request, code), moment.now()
    form = ReachFilter(shown, request.GET)
    found = reach.paths(form.asked, at, most=MOST + 1)
    is_cut = len(found) > MOST
    found, hidden = _seen(me(request), shown, found[:MOST])
    listed = entries(shown, found, at)
    kept = [entry for entry in listed if _fits(entry, form)]
    pages = Paginator(kept, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "shown": shown,
        "form": form,
        "account": form.said("account"),
        "host": form.said("host"),
        "numbers": Numbers.of(listed),
        "pages": pages,
        "targets": list(grouped(pages.object_list)),
        "is_cut": is_cut,
        "most": MOST,
        "hidden": hidden,
        "sees_people": allowed(request.user, Perm.PERSON_VIEW),
        "sees_accounts": allowed(request.user, Perm.INVENTORY_VIEW),
        "query": request.GET.urlencode(),
    }
    return page(request, "accounts/reach.html", context, fragment="accounts/_reach.html")


def _seen(user: User, shown: System, found: list[reach.Path]) -> tuple[list[reach.Path], int]:
    """Whoever the system was only shared with sees what begins at accounts that they may see; the rest is
    counted, so that nobody takes the list for a whole one."""
    answers = user.identity_id is not None and user.identity_id in {shown.owner_id, shown.deputy_id}
    if answers or allowed(user, Perm.INVENTORY_VIEW):
        return found, 0
    keys = Account.objects.visible_to(user).filter(pk__in={path.account_id for path in found})
    visible = set(keys.values_list("pk", flat=True))
    kept = [path for path in found if path.account_id in visible]
    return kept, len(found) - len(kept)


def _fits(entry: Entry, form: ReachFilter) -> bool:
    """By what only the rooms above know."""
    recording, ever, unused = form.said("recorded"), form.said("reviewed"), form.said("unused")
    if recording and entry.recording != recording:
        return False
    if ever and (entry.review is None) != (ever == "never"):
        return False
    return not unused or {"yes": False, "unknown": None}[unused] is entry.is_needed


@require_GET
def system_reach_file(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    """All rows of the filter as CSV or XLSX. What left stands in the log."""
    shown = _opened(request, code)
    form, user = ReachFilter(shown, request.GET), me(request)
    query = {"system": shown.code, **{name: said for name in form.fields if (said := form.said(name))}}
    told = exporting.told("reach", form=kind, query=query, by=user)
    rows = _rows(user, shown, form, moment.now())
    return exports.write(kind, f"reach-{shown.code}", COLUMNS, rows, tell=told)


def _rows(user: User, shown: System, form: ReachFilter, at: datetime) -> Iterator[list[object]]:
    for part in reach.streamed(form.asked, at):
        found, _hidden = _seen(user, shown, part)
        for entry in entries(shown, found, at):
            if _fits(entry, form):
                yield as_row(shown, entry)


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that the search may mean."""

    system: System
    account: str = ""
    host: str = ""

    @property
    def url(self) -> str:
        """Its page, narrowed to the account and the host."""
        asked = {key: value for key in ("account", "host") if (value := getattr(self, key))}
        url = reverse("reach", args=[self.system.code])
        return f"{url}?{urlencode(asked)}" if asked else url


@require_GET
def reach_search(request: HttpRequest) -> HttpResponse:
    """“root@core01”, “root on core01”, a host, a system, or the name of an account."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:512]
    hits = search(me(request), words) if words else []
    if len(hits) == 1:
        return redirect(hits[0].url)
    return page(request, "accounts/reach_search.html", {"words": words, "hits": hits})


def search(user: User, words: str) -> list[Hit]:
    """Account and place if both are said, else a place, else accounts called so; at most a page of them."""
    systems = open_to(user)
    said = _ON.match(words)
    if said:
        hits = [Hit(system, said["account"].strip(), host) for system, host in _places(systems, said["host"])]
        if hits:
            return hits
    if hits := [Hit(system, "", host) for system, host in _places(systems, words)]:
        return hits
    called_so = Account.objects.present().filter(system__in=systems.values("pk"))
    called_so = called_so.filter(Q(name__iexact=words) | Q(external_id=words)).select_related("system")
    return [Hit(account.system, account.name) for account in called_so.order_by("system__code", "pk")[:HITS]]


def _places(systems: QuerySet[System], name: str) -> list[tuple[System, str]]:
    """Systems with this host, code or name, and the host if it was one; `core01.bank.example` is core01."""
    wanted = {name, name.lower(), name.partition(".")[0].lower()}
    found = systems.filter(Q(hosts__overlap=list(wanted)) | Q(code__iexact=name) | Q(name__iexact=name))
    return [
        (system, next((host for host in system.hosts if host in wanted), ""))
        for system in found.by_code()[:HITS]  # type: ignore[attr-defined]  # a SystemQuerySet
    ]


@require_GET
def reach_panel(request: HttpRequest) -> HttpResponse:
    """Who can enter these systems, in short: what is looked at before a recorder is connected to them."""
    codes = [*request.GET.getlist("systems"), *request.GET.getlist("system")]
    chosen = open_to(me(request)).filter(code__in=[code for code in codes if "\x00" not in code])
    at = moment.now()
    shown = [_summary(me(request), system, at) for system in chosen.order_by("code")[:PANEL_SYSTEMS]]
    context = {"summaries": shown}
    return page(request, "accounts/reach_panel.html", context, fragment="accounts/_reach_panel.html")


@dataclass(frozen=True, slots=True)
class Summary:
    """One system of the panel."""

    system: System
    rows: list[tuple[reach.Path, bool, bool]]  # whether it is recorded, and whether it was ever reviewed
    total: int
    never_reviewed: int
    recorded: int
    is_cut: bool


def _summary(user: User, system: System, at: datetime) -> Summary:
    found = reach.paths(reach.Asked(system), at, most=MOST + 1)
    is_cut = len(found) > MOST
    found, _hidden = _seen(user, system, found[:MOST])
    facts = recording_of(system, found)
    decided = decisions_on(found)
    rows = [
        (path, bool(judge_recording(system, path, facts).is_recorded), bool(judge_review(path, decided)))
        for path in found
    ]
    return Summary(
        system,
        rows[:PANEL_ROWS],
        len(rows),
        sum(not was_reviewed for _path, _recorded, was_reviewed in rows),
        sum(is_recorded for _path, is_recorded, _reviewed in rows),
        is_cut,
    )
