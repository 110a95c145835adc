"""Readings sent by machines: `POST /api/imports/?source=…` with a token of the scope `import`.

    curl -H "Authorization: Bearer gp_…" --data-binary @core.csv \\
      "https://portal.example/api/imports/?source=CORE%20nightly"

The body is the file as it is, or one part of a form named `file`; the answer is JSON. What a machine sent
waits for a person like anything else.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.connectors.text import Readable
from accounts.models import ImportRun, Source
from accounts.services import imports
from portal.request_id import current
from portal.users.bearer import refuse, token_required
from portal.users.models import Token
from portal.vault import spool

SCOPE = "import"


@require_POST
@token_required(SCOPE)
def import_file(request: HttpRequest, token: Token) -> HttpResponse:
    """202 with the run and where its state can be read; 404, 413 or 422 with a code and what to do."""
    source = _source(request.GET.get("source", ""))
    if source is None:
        return refuse(404, "unknown_source", _("No source has this name or id. Say it as ?source=…"))
    try:
        taken_at = _moment(request.GET.get("taken_at", ""))
        file, name = _file(request)
        run = imports.receive(
            source,
            file,
            file_name=name,
            by=token.user,
            provenance=ImportRun.Provenance.PUSHED,
            taken_at=taken_at,
        )
    except spool.UploadTooLarge as refusal:
        return refuse(413, "too_large", refusal.message)
    except ValidationError as refusal:
        return _unprocessable(refusal)
    return JsonResponse(_told(run), status=202)


@require_GET
@token_required(SCOPE)
def import_state(_request: HttpRequest, token: Token, pk: UUID) -> HttpResponse:
    """How far a reading is that this machine sent; those of others don't exist."""
    run = ImportRun.objects.filter(pk=pk, received_by_id=token.user_id).first()
    if run is None:
        return refuse(404, "unknown_run", _("You sent no reading of this id."))
    return JsonResponse(_told(run))


def _source(said: str) -> Source | None:
    try:
        return Source.objects.select_related("system").filter(pk=UUID(said)).first()
    except ValueError:
        return Source.objects.select_related("system").filter(name=said).first()


def _file(request: HttpRequest) -> tuple[Readable, str]:
    if request.content_type == "multipart/form-data":
        found = request.FILES.get("file")
        if found is None:
            raise ValidationError(_("The form has no part named “file”."), code="no_file")
        return cast(Readable, found), found.name or ""
    return spool.from_stream(request), request.GET.get("name", "")


def _moment(said: str) -> datetime | None:
    """An ISO moment with its zone; anything else is said to be unclear, not guessed."""
    if not said:
        return None
    try:
        at = datetime.fromisoformat(said.replace(" ", "+"))  # a plus that was not encoded arrives as a space
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValidationError(
            _("“taken_at” is a moment with its zone, such as 2026-10-06T08:00:00Z."), code="taken_at"
        )
    return at.astimezone(UTC)


def _told(run: ImportRun) -> Mapping[str, Any]:
    return {
        "run": str(run.pk),
        "state": run.state,
        "state_url": reverse("import_state_api", args=[run.pk]),
        "url": reverse("import_run", args=[run.pk]),
        "original_sha256": run.original_sha256,
        "cut": run.cut,
        "taken_at": run.taken_at.isoformat() if run.taken_at else None,
        "counts": run.counts,
        "rejected": run.rejected,
        "error": run.error or None,
        "error_line": run.error_line,
    }


def _unprocessable(refusal: ValidationError) -> JsonResponse:
    body = {
        "error": getattr(refusal, "code", None) or "refused",
        "message": " ".join(refusal.messages),
        "line": getattr(refusal, "line", None),
        "request_id": current.get(),
    }
    status = 413 if body["error"] == "too_large" else 422
    return JsonResponse(body, status=status)
