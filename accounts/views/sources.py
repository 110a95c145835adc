"""Where records come from: every source with its last reading, and one source with all of them."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.connectors import REGISTRY
from accounts.forms.imports import SourceForm, SourceOptions
from accounts.forms.inventory import VersionForm
from accounts.models import ImportRun, Source
from accounts.services import feeds, imports, sources
from accounts.views import import_words as words
from accounts.views.identities import PER_PAGE, me
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm


@require_GET
def source_list(request: HttpRequest) -> HttpResponse:
    """Each source with what its last reading said, and whether the next one is late."""
    require(request.user, Perm.INVENTORY_VIEW)
    shown = Source.objects.visible_to(request.user).with_last_came().select_related("system")
    only = request.GET.get("only", "")
    shown = shown.missed() if only == "missed" else shown
    in_order = shown.order_by(F("system__code").asc(nulls_first=True), "name")
    found = Paginator(in_order, PER_PAGE).get_page(request.GET.get("page"))
    last = _last_applied(found.object_list)
    rows = [
        (
            one,
            last.get(one.pk),
            REGISTRY[one.connector].label,
            _row_count(last.get(one.pk)),
            _is_late(one, last.get(one.pk)),
        )
        for one in found
    ]
    waiting = ImportRun.objects.visible_to(request.user).open().select_related("source").newest_first()[:20]
    context = {
        "sources": found,
        "rows": rows,
        "waiting": waiting,
        "only": only,
        "may_import": allowed(request.user, Perm.INVENTORY_IMPORT),
    }
    return page(request, "accounts/source_list.html", context)


@require_GET
def source(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One source: what it sends, how it is read, and every reading of it."""
    sources_seen = Source.objects.visible_to(request.user).with_last_came().select_related("system")
    shown = get_object_or_404(sources_seen, pk=pk)
    runs = ImportRun.objects.visible_to(request.user).filter(source=shown).newest_first()
    last = _last_applied([shown]).get(shown.pk)
    found = Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "shown": shown,
        "last": last,
        "is_late": _is_late(shown, last),
        "folder": feeds.folder_of(shown),
        "token_count": feeds.tokens_of(shown).usable(moment.now()).count(),
        "format": REGISTRY[shown.connector].label,
        "mapping": [(words.OPTIONS.get(name, name), value) for name, value in sorted(shown.mapping.items())],
        "runs": found,
        "rows": [(run, words.counts(run)) for run in found],
        "may_list": allowed(request.user, Perm.INVENTORY_VIEW),
        "looked_at": runs.filter(state=ImportRun.State.PREVIEWED).first(),
        "may_import": allowed(request.user, Perm.INVENTORY_IMPORT),
    }
    return page(request, "accounts/source.html", context)


@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How the next files of a source are read."""
    shown = get_object_or_404(Source.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.INVENTORY_IMPORT)
    initial = {"name": shown.name, "fresh_days": shown.fresh_days, "version": shown.version}
    form = SourceForm(
        request.POST or None,
        connector=REGISTRY[shown.connector],
        initial={**SourceOptions.initial_of(shown), **initial},
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        own = {name: given.pop(name) for name in ("name", "fresh_days", "version")}
        sources.edit(shown, **own, mapping=form.mapping, by=me(request))
        messages.success(request, _("Saved. The next file is read this way."))
        return redirect("source", shown.pk)
    return page(request, "accounts/source_form.html", {"shown": shown, "form": form})


@require_POST
def source_release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let the source out of quarantine."""
    shown = get_object_or_404(Source.objects.visible_to(request.user), pk=pk)
    require(request.user, Perm.INVENTORY_IMPORT)
    form = VersionForm(request.POST)
    sources.release(shown, version=form.cleaned_data["version"] if form.is_valid() else 0, by=me(request))
    messages.success(request, _("Released. Its readings can be applied from now on."))
    return redirect("source", shown.pk)


def _last_applied(found: Iterable[Source]) -> dict[UUID, ImportRun]:
    """The reading that is part of the record now, of each source that has one."""
    applied = ImportRun.objects.applied().filter(source__in=[one.pk for one in found])
    return {run.source_id: run for run in applied.order_by("source", "-applied_at").distinct("source")}


def _row_count(run: ImportRun | None) -> int | None:
    return None if run is None else imports.rows_of(run)


def _is_late(source: Source, last: ImportRun | None) -> bool:
    """Nothing applied for longer than a reading stays fresh; before the first one nothing is late."""
    if last is None:
        return False
    read_at = last.taken_at or last.received_at
    return read_at + timedelta(days=source.fresh_days) < moment.now()
