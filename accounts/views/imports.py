"""A file comes in, is looked at, and is applied or discarded; somebody else confirms its count."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.connectors import REGISTRY
from accounts.forms.imports import AnswerForm, ApplyForm, ConfirmForm, NewSourceForm, ReadingForm
from accounts.forms.inventory import VersionForm
from accounts.models import ImportRun, Source, System
from accounts.services import imports, releases, sources
from accounts.views import import_words as words
from accounts.views.identities import PER_PAGE, me, people
from portal.tasks import progress
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import Approval, User
from portal.users.permissions import Perm

UPLOADED = ImportRun.Provenance.UPLOADED
WORKING = {ImportRun.State.RECEIVED, ImportRun.State.PREVIEWING, ImportRun.State.APPLYING}


@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Send a file: another reading of a source (?source=), or the first one of a new source."""
    require(request.user, Perm.INVENTORY_IMPORT)
    if key := request.GET.get("source"):
        return _another_reading(request, _source_or_404(request, key))
    form = NewSourceForm(request.POST or None, request.FILES or None, by=me(request))
    if request.method == "POST" and form.is_valid() and (run := _receive_first(form, me(request))):
        return redirect("import_run", run.pk)
    context = {
        "form": form,
        "sources": Source.objects.visible_to(request.user)
        .select_related("system")
        .order_by("name")[:PER_PAGE],
        "people": people(),
    }
    return page(request, "accounts/import_new.html", context, status=422 if form.errors else 200)


@require_GET
def import_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One reading: what it says, what it would change, and what can be done with it."""
    return _shown(request, _run_or_404(request, pk))


@require_POST
def import_apply(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have it written into the record, or ask a second person where a fuse tripped."""
    run = _run_or_404(request, pk)
    require(request.user, Perm.INVENTORY_IMPORT)
    form = ApplyForm(request.POST, run=run)
    if not form.is_valid():
        return _shown(request, run, apply_form=form)
    given = form.cleaned_data
    with transaction.atomic():
        if given.get("release"):
            sources.release(run.source, version=None, by=me(request))
        if "reason" in given:
            releases.ask(run, reason=given["reason"], version=given["version"], by=me(request))
            messages.success(request, _("Asked. It is applied once a second person releases it."))
        else:
            imports.apply(run, version=given["version"], by=me(request))
    return redirect("import_run", run.pk)


@require_POST
def import_release(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A second person lets it end what it would end, or does not."""
    run = _run_or_404(request, pk)
    if not releases.releases(run, me(request)):
        require(request.user, Perm.APPROVAL_DECIDE)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose to release or to refuse."))
    verdict = Approval.Verdict(form.cleaned_data["verdict"])
    releases.answer(run, verdict, remark=form.cleaned_data["remark"], by=me(request))
    messages.success(request, _("Your answer is recorded."))
    return redirect("import_run", run.pk)


@require_POST
def import_discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Leave the record as it is."""
    run = _run_or_404(request, pk)
    require(request.user, Perm.INVENTORY_IMPORT)
    form = VersionForm(request.POST)
    imports.discard(run, version=form.cleaned_data["version"] if form.is_valid() else 0, by=me(request))
    messages.success(request, _("Discarded. Nothing of this reading is part of the record."))
    return redirect("source", run.source_id)


@require_POST
def import_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Somebody else read the count at the source."""
    run = _run_or_404(request, pk)
    if not allowed(request.user, Perm.INVENTORY_IMPORT):
        require(request.user, Perm.IMPORT_CONFIRM)
    form = ConfirmForm(request.POST)
    if not form.is_valid() or not _accepted(form, imports.confirm, run, by=me(request), **form.cleaned_data):
        return _shown(request, run, confirm_form=form)
    messages.success(request, _("Confirmed: the source holds as many rows as the file."))
    return redirect("import_run", run.pk)


def _shown(
    request: HttpRequest,
    run: ImportRun,
    *,
    apply_form: ApplyForm | None = None,
    confirm_form: ConfirmForm | None = None,
) -> HttpResponse:
    """The page of a reading; while it is worked on, its body alone is asked for again and again."""
    version = {"version": run.version}
    seen_by = {key for key in (run.received_by_id, run.confirmed_by_id, run.applied_by_id) if key}
    rejects = Paginator(run.rejects.all(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "run": run,
        "steps": _steps(run),
        "is_working": run.state in WORKING,
        "progress": progress.of(f"import:{run.pk}") if run.state in WORKING else None,
        "format": REGISTRY[run.connector].label,
        "counts": words.counts(run),
        "samples": words.samples(run),
        "notices": words.notices(run),
        "links": words.links(run),
        "proof": words.proof(run),
        "changes_nothing": words.changes_nothing(run),
        "cut": [(one["name"], words.CUTS.get(one["why"], one["why"]), one["count"]) for one in run.cut],
        "rejects": rejects,
        "rows": imports.rows_of(run),
        "users": User.objects.in_bulk(seen_by),
        "fuse": words.fuse(run),
        "leavers": words.leavers(run),
        "asked": releases.last_asked(run),
        "may_release": releases.may_answer(run, me(request)),
        "release_form": AnswerForm(),
        "apply_form": apply_form or ApplyForm(initial=version, run=run),
        "confirm_form": confirm_form or ConfirmForm(initial=version),
        "may_import": allowed(request.user, Perm.INVENTORY_IMPORT),
        "may_list": allowed(request.user, Perm.INVENTORY_VIEW),
        "may_confirm": _may_confirm(run, me(request)),
    }
    status = 422 if apply_form is not None or confirm_form is not None else 200
    return page(
        request, "accounts/import_run.html", context, fragment="accounts/_import_body.html", status=status
    )


def _steps(run: ImportRun) -> list[tuple[str, bool, bool]]:
    """File, preview, record: what each is called, whether it is done, whether the reading stands there."""
    at = {"received": 0, "previewing": 1, "previewed": 1, "applying": 2, "applied": 3}.get(run.state)
    labels = [_("File"), _("Preview"), _("Part of the record")]
    return [(label, at is not None and number < at, number == at) for number, label in enumerate(labels)]


def _may_confirm(run: ImportRun, user: User) -> bool:
    is_open = run.state in {ImportRun.State.PREVIEWED, ImportRun.State.APPLIED} and run.confirmed_at is None
    holds = allowed(user, Perm.INVENTORY_IMPORT) or allowed(user, Perm.IMPORT_CONFIRM)
    return is_open and holds and run.received_by_id != user.pk


def _another_reading(request: HttpRequest, source: Source) -> HttpResponse:
    form = ReadingForm(request.POST or None, request.FILES or None, source=source)
    if request.method == "POST" and form.is_valid() and (run := _receive(form, source, me(request))):
        return redirect("import_run", run.pk)
    context = {"form": form, "source": source, "format": REGISTRY[source.connector].label}
    return page(request, "accounts/import_new.html", context, status=422 if form.errors else 200)


def _receive_first(form: NewSourceForm, user: User) -> ImportRun | None:
    """System, source and file together or none of them."""
    given = form.cleaned_data
    try:
        with transaction.atomic():
            system = given["system"] if given["tells_of"] == form.KNOWN else None
            if given["tells_of"] == form.NEW:
                system = sources.create_system(
                    code=given["code"],
                    name=given["system_name"],
                    environment=System.Environment(given["environment"] or System.Environment.PRODUCTION),
                    reference=given["reference"],
                    owner=given["owner"],
                    actor=user.actor,
                )
            source = sources.create_source(
                name=given["name"],
                connector=given["connector"],
                system=system,
                employer=given["employer"],
                mapping=form.mapping,
                actor=user.actor,
            )
            return _received(form, source, user)
    except ValidationError as refusal:
        form.add_error("file" if isinstance(refusal, imports.Refused) else None, _words(refusal))
        return None


def _receive(form: ReadingForm, source: Source, user: User) -> ImportRun | None:
    try:
        return _received(form, source, user)
    except ValidationError as refusal:
        form.add_error("taken_at" if refusal.code == "taken_in_future" else "file", _words(refusal))
        return None


def _received(form: NewSourceForm | ReadingForm, source: Source, user: User) -> ImportRun:
    file = form.cleaned_data["file"]
    return imports.receive(
        source,
        file,
        file_name=file.name or "",
        by=user,
        provenance=UPLOADED,
        taken_at=form.cleaned_data["taken_at"],
        mapping=form.options,
        filter_text=form.cleaned_data["filter_text"],
        source_count=form.cleaned_data["source_count"],
    )


def _words(refusal: ValidationError) -> list[str]:
    return list(refusal.messages)


def _accepted(form: Form, verb: Any, *args: Any, **kwargs: Any) -> bool:
    """Call a service; what it refuses is said at the form."""
    try:
        verb(*args, **kwargs)
    except ValidationError as refusal:
        form.add_error(None, _words(refusal))
        return False
    return True


def _source_or_404(request: HttpRequest, key: str) -> Source:
    try:
        return get_object_or_404(
            Source.objects.visible_to(request.user).select_related("system"), pk=UUID(key)
        )
    except ValueError:
        return get_object_or_404(Source.objects.none())


def _run_or_404(request: HttpRequest, pk: UUID) -> ImportRun:
    runs = ImportRun.objects.visible_to(request.user).select_related("source__system", "blob")
    return get_object_or_404(runs, pk=pk)
