"""How much is known of the machines on each system; every number opens the rows behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import Identity, System, coverage
from accounts.views.paging import PER_PAGE, key_of
from portal.ui.render import page

# What the facts are called, known and not.
WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "owner": (_("with an owner who is here"), _("without an owner who is here")),
    "deputy": (_("with a deputy"), _("without a deputy")),
    "privileged_deputy": (_("privileged, with a deputy"), _("privileged, without a deputy")),
    "purpose": (_("with a purpose"), _("whose purpose nobody has said")),
    "consumer": (_("whose users are known"), _("of which nobody has said who uses them")),
    "key_age": (_("whose keys have a known age"), _("whose keys' age is unknown")),
    "last_use": (_("whose last use is known"), _("whose last use is unknown")),
    "full": (_("fully known"), _("not fully known")),
}


LABELS: dict[str, str | Promise] = {
    "owner": _("An owner who is here"),
    "privileged_deputy": _("A deputy, where privileged"),
    "deputy": _("A deputy"),
    "purpose": _("A purpose"),
    "consumer": _("Who uses it"),
    "key_age": _("How old its keys are"),
    "last_use": _("When it was last used"),
    "full": _("All of these"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: of how many machines it is known; not known may mean that nothing read says so."""

    part: str
    label: str | Promise
    known: int
    missing: int
    percent: int | None
    is_unknown: bool


@require_GET
def coverage_list(request: HttpRequest) -> HttpResponse:
    """Every system this user may see, with what is known of its machines."""
    from_me = coverage.by_system(request.user)  # type: ignore[arg-type]  # LoginRequiredMiddleware let nobody else in
    systems = System.objects.visible_to(request.user).by_code()
    rows = [(one, from_me.get(one.pk)) for one in systems]
    return page(request, "accounts/coverage.html", {"rows": rows})


@require_GET
def system_coverage(request: HttpRequest, code: str) -> HttpResponse:
    """The numbers of one system, as a panel of its page."""
    shown = get_object_or_404(System.objects.visible_to(request.user), code=code)
    found = coverage.by_system(request.user, shown.pk).get(shown.pk)  # type: ignore[arg-type]  # the same
    context = {"shown": shown, "found": found, "lines": _lines(found) if found else []}
    return page(request, "accounts/coverage_system.html", context, fragment="accounts/_system_coverage.html")


@require_GET
def coverage_machines(request: HttpRequest) -> HttpResponse:
    """The machines behind one number."""
    part, is_known = request.GET.get("part", "full"), request.GET.get("is") == "known"
    if part not in WORDS:
        raise Http404
    code = request.GET.get("system", "")
    system = get_object_or_404(System.objects.visible_to(request.user), code=code) if code else None
    after = _position(request.GET.get("after", ""))
    keys = coverage.machines_of(
        request.user,  # type: ignore[arg-type]  # the same
        system.pk if system else None,
        part,
        is_known=is_known,
        after=after,
        limit=PER_PAGE + 1,
    )
    context = {
        "machines": _in_order(keys[:PER_PAGE]),
        "after": keys[PER_PAGE - 1] if len(keys) > PER_PAGE else "",
        "is_first": after is None,
        "system": system,
        "words": WORDS[part][0 if is_known else 1],
        "visible": set(
            Identity.objects.visible_to(request.user).filter(pk__in=keys).values_list("pk", flat=True)
        ),
    }
    return page(request, "accounts/coverage_machines.html", context)


def _lines(found: coverage.Coverage) -> list[Line]:
    """One a fact; of deputies only what matters most."""
    lines = []
    for part in (
        "owner",
        "privileged_deputy",
        "deputy",
        "purpose",
        "consumer",
        "key_age",
        "last_use",
        "full",
    ):
        known = getattr(found, part)
        whole = found.privileged if part == "privileged_deputy" else found.machines
        percent = coverage.percent(known, whole)
        lines.append(Line(part, LABELS[part], known, whole - known, percent, part in ("key_age", "last_use")))
    return lines


def _in_order(keys: Sequence[UUID]) -> list[Identity]:
    found = Identity.objects.select_related("owner", "deputy", "application__owner").in_bulk(list(keys))
    return [found[key] for key in keys if key in found]


def _position(after: str) -> tuple[str, UUID] | None:
    key = key_of(after)
    return Identity.objects.filter(pk=key).values_list("name", "pk").first() if key else None
