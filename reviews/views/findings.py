"""What is wrong: the list, one finding with what to do about it, and living with it until a day."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, F, PositiveSmallIntegerField, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Identity, System
from accounts.models.listing import Order, counted, in_order, page_of
from accounts.services import exporting
from portal import exports, moment
from portal.audit.models import Event
from portal.audit.versions import as_seen
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.forms.findings import AcceptForm, FindingFilter
from reviews.models import Finding
from reviews.models.finding import FindingQuerySet
from reviews.rules import RULES, controls, settings
from reviews.services import findings
from reviews.views import finding_words

RISKIEST: Final = Order("riskiest", by=F("weight"), field=PositiveSmallIntegerField())
IN_PANEL: Final = 25
AT_ONCE: Final = 500
COLUMNS: Final = (
    gettext_lazy("Severity"),
    gettext_lazy("Rule"),
    gettext_lazy("What is wrong"),
    gettext_lazy("In words"),
    gettext_lazy("What to do"),
    gettext_lazy("Subject"),
    gettext_lazy("Kind"),
    gettext_lazy("Detail"),
    gettext_lazy("Identity"),
    gettext_lazy("Owner"),
    gettext_lazy("System"),
    gettext_lazy("State"),
    gettext_lazy("First seen"),
    gettext_lazy("Last seen"),
    gettext_lazy("Gone"),
    gettext_lazy("Key"),
)


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


@require_GET
def finding_list(request: HttpRequest) -> HttpResponseBase:
    """Everything that is wrong and concerns this person, the riskiest first; or all of it as a file."""
    user = me(request)
    visible = Finding.objects.visible_to(user)
    form = FindingFilter(request.GET, systems=System.objects.visible_to(user).by_code())
    found = form.narrowed(visible, user.identity_id)
    if request.GET.get("export") in exports.FORMATS:
        return _file(found, form, request)
    at = request.GET.get("after", "")
    shown = page_of(found, RISKIEST, is_down=True, at=at, dressed=Finding.objects.with_names())
    context = {
        "lines": finding_words.lines(shown.rows),
        "shown": shown,
        "count": counted(found),
        "form": form,
        "parity": parity() if allowed(user, Perm.INVENTORY_VIEW) and not form.is_used else None,
        "may_ask": allowed(user, Perm.RULE_MANAGE),
        "sees_rules": allowed(user, Perm.INVENTORY_VIEW),
    }
    return page(request, "reviews/finding_list.html", context)


@require_GET
def finding(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One finding: what is wrong, why it matters, what to do, what it rests on, and what became of it."""
    shown = _find(request, pk)
    return _page_of(request, shown, AcceptForm(initial={"version": shown.version}))


@require_http_methods(["POST"])
def finding_accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Live with it until a day."""
    shown = _find(request, pk)
    require(request.user, Perm.FINDING_ACCEPT)
    form = AcceptForm(request.POST)
    if form.is_valid():
        findings.accept(shown, by=me(request), **form.cleaned_data)
        messages.success(request, _("Accepted. It is open again the day after, if it is still there."))
        return redirect("finding", shown.pk)
    return _page_of(request, shown, form, status=422)


@require_POST
def finding_open(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Do not live with it any longer."""
    shown = _find(request, pk)
    require(request.user, Perm.FINDING_ACCEPT)
    findings.end_acceptance(shown, version=as_seen(request.POST.get("version")), by=me(request))
    messages.success(request, _("It is open again."))
    return redirect("finding", shown.pk)


@require_GET
def identity_findings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is wrong with one identity: a panel on its page, or a page of its own without a script."""
    shown = get_object_or_404(Identity.objects.visible_to(request.user), pk=pk)
    found = Finding.objects.visible_to(request.user).filter(identity=shown).present()
    rows = list(found.with_names().order_by("state", "-weight", "-pk")[: IN_PANEL + 1])
    # Accepted ones come first in the alphabet and last on the page.
    rows.sort(key=lambda one: one.state == Finding.State.ACCEPTED)
    user = me(request)
    answers = user.identity_id in findings.who_answers(shown)
    context = {
        "identity": shown,
        "may_see": bool(rows) or answers or allowed(user, Perm.INVENTORY_VIEW),
        "lines": finding_words.lines(rows[:IN_PANEL]),
        "is_more": len(rows) > IN_PANEL,
    }
    return page(
        request, "reviews/identity_findings.html", context, fragment="reviews/_identity_findings.html"
    )


def parity() -> list[dict[str, Any]]:
    """People and machines side by side: how many, open findings, findings per 100."""
    counted_now = Identity.objects.active().aggregate(
        people=Count("pk", filter=Q(kind=Identity.Kind.HUMAN)),
        machines=Count("pk", filter=~Q(kind=Identity.Kind.HUMAN)),
    )
    found = Finding.objects.open().aggregate(
        people=Count("pk", filter=Q(is_human=True)), machines=Count("pk", filter=Q(is_human=False))
    )
    return [
        {
            "of": of,
            "count": counted_now[of],
            "open": found[of],
            "per_hundred": round(100 * found[of] / counted_now[of], 1) if counted_now[of] else None,
        }
        for of in ("people", "machines")
    ]


def _find(request: HttpRequest, pk: UUID) -> Finding:
    return get_object_or_404(Finding.objects.visible_to(request.user).with_names(), pk=pk)


def _page_of(request: HttpRequest, shown: Finding, form: AcceptForm, status: int = 200) -> HttpResponse:
    user, rule = me(request), RULES.get(shown.rule)
    acceptances = list(shown.acceptances.select_related("accepted_by").order_by("-accepted_at"))
    running = [one for one in acceptances if one.ended_at is None]
    context = {
        "line": finding_words.lines([shown])[0],
        "finding": shown,
        "rule": rule,
        "facts": finding_words.facts(shown),
        "controls": controls.current().of_rule(shown.rule),
        "acceptances": acceptances,
        "running": running[0] if running else None,
        "last_seen": _last_seen(shown, settings.evaluated_at().get(shown.rule)),
        "may_accept": allowed(user, Perm.FINDING_ACCEPT),
        "why_not": findings.why_not(shown, user) if allowed(user, Perm.FINDING_ACCEPT) else "",
        "form": form,
        "sees_rules": allowed(user, Perm.INVENTORY_VIEW),
        "events": Event.objects.about(shown).newest_first()[:20] if allowed(user, Perm.AUDIT_VIEW) else [],
    }
    return page(request, "reviews/finding.html", context, status=status)


def _last_seen(shown: Finding, evaluated_at: datetime | None) -> datetime:
    """What is present was last seen when its rule was last asked."""
    if shown.state == Finding.State.FIXED or evaluated_at is None:
        return shown.last_seen_at
    return max(shown.last_seen_at, evaluated_at)


def _file(found: FindingQuerySet, form: FindingFilter, request: HttpRequest) -> HttpResponseBase:
    """All rows of the filter. What left stands in the log."""
    kind = request.GET["export"]
    rows = cast(FindingQuerySet, in_order(found.with_names(), RISKIEST, is_down=True))
    query = {name: str(form.data[name]) for name in form.fields if form.chosen(name)}
    told = exporting.told("finding_list", form=kind, query=query, by=me(request))
    name = f"findings-{moment.now():%Y-%m-%d}"
    return exports.write(kind, name, [str(one) for one in COLUMNS], _rows(rows), tell=told)


def _rows(found: FindingQuerySet) -> Iterator[list[object]]:
    """Some hundred at a time, so that names in facts are asked for together."""
    asked = settings.evaluated_at()
    remaining = found.iterator(chunk_size=AT_ONCE)
    while batch := list(islice(remaining, AT_ONCE)):
        for line in finding_words.lines(batch):
            one, rule = line.finding, RULES.get(line.finding.rule)
            yield [
                one.get_severity_display(),
                one.rule,
                line.title,
                line.sentence,
                rule.advice if rule else "",
                line.subject,
                line.kind,
                line.detail,
                one.identity,
                line.owner,
                one.system,
                one.get_state_display(),
                one.first_seen_at,
                _last_seen(one, asked.get(one.rule)),
                one.closed_at,
                one.pk,
            ]
