"""Readings sent by machines: `POST /api/imports/?source=…` with a token that is bound to the source.

    curl -H "Authorization: Bearer gp_…" --data-binary @core.csv \\
      "https://portal.example/api/imports/?source=CORE%20nightly"

Beside the source it may say `taken_at`, `name` (of the file), `filter` (the query or filter text), and
`count`: how many rows the source counted. The header `Portal-Signature` carries the system's own signature
over all of it (`accounts/feeding/signing.py`), which a source that has a secret always needs.
The body is the file as it is, or one part of a form named `file`; the answer is JSON. What a machine sent
waits for a person like anything else, unless its source may be applied without hands.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import feeding
from accounts.models import ImportRun, Source
from accounts.services import feeds, imports
from portal.request_id import current
from portal.users.bearer import refuse, token_required
from portal.users.models import Token
from portal.vault import spool

SIGNATURE = "Portal-Signature"
PIECE = 1 << 16


@require_POST
@token_required(feeds.SCOPE)
def import_file(request: HttpRequest, token: Token) -> HttpResponse:
    """202 with the run and where its state can be read; 403, 404, 413 or 422 with a code and what to do.

    A source that the token is not bound to is as unknown as one that does not exist.
    """
    if not token.bound_to(feeds.SCOPE):
        return refuse(
            403, "token_unbound", _("This token is bound to no source. Issue one on the page of the source.")
        )
    source = _source(token, request.GET.get("source", ""))
    if source is None:
        return refuse(404, "unknown_source", _("No source of yours has this name or id. Say it as ?source=…"))
    try:
        taken_at = _moment(request.GET.get("taken_at", ""))
        file, name = _file(request)
        run = imports.receive(
            source,
            file,
            file_name=name,
            by=token.user,
            provenance=_provenance(request, source, file),
            taken_at=taken_at,
            filter_text=request.GET.get("filter", ""),
            source_count=_count(request.GET.get("count", "")),
        )
    except spool.UploadTooLarge as refusal:
        return refuse(413, "too_large", refusal.message)
    except feeding.SignatureRefused as refusal:
        return refuse(403, refusal.code, str(refusal))
    except ValidationError as refusal:
        return _unprocessable(refusal)
    return JsonResponse(_told(run), status=202)


@require_GET
@token_required(feeds.SCOPE)
def import_state(_request: HttpRequest, token: Token, pk: UUID) -> HttpResponse:
    """How far a reading is that this machine sent; those of others don't exist."""
    own = ImportRun.objects.filter(received_by_id=token.user_id, source__in=feeds.sources_of(token))
    run = own.filter(pk=pk).first()
    if run is None:
        return refuse(404, "unknown_run", _("You sent no reading of this id."))
    return JsonResponse(_told(run))


def _source(token: Token, said: str) -> Source | None:
    """The one meant, among those that the token is bound to; a token of one source need not say it."""
    own = feeds.sources_of(token)
    if not said:
        only = list(own[:2])
        return only[0] if len(only) == 1 else None
    try:
        return own.filter(pk=UUID(said)).first()
    except ValueError:
        return own.filter(name=said).first()


def _provenance(request: HttpRequest, source: Source, file: BinaryIO) -> ImportRun.Provenance:
    """Signed by the system, or sent with nothing but a token."""
    signature = request.headers.get(SIGNATURE, "")
    digest = _digest(file) if signature else ""
    said = request.GET
    claim = feeding.Claim(
        sha256=digest,
        taken_at=said.get("taken_at", ""),
        count=said.get("count", ""),
        filter_text=said.get("filter", ""),
        signature=signature,
    )
    is_signed = feeding.verify(source, claim)
    return ImportRun.Provenance.SIGNED if is_signed else ImportRun.Provenance.PUSHED


def _digest(file: BinaryIO) -> str:
    """SHA-256 in hex; the file is at its beginning again afterwards."""
    found = hashlib.sha256()
    while piece := file.read(PIECE):
        found.update(piece)
    file.seek(0)
    return found.hexdigest()


def _file(request: HttpRequest) -> tuple[BinaryIO, str]:
    if request.content_type == "multipart/form-data":
        found = request.FILES.get("file")
        if found is None:
            raise ValidationError(_("The form has no part named “file”."), code="no_file")
        return cast(BinaryIO, found), found.name or ""
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


def _count(said: str) -> int | None:
    """How many rows the source counted."""
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 10):
        raise ValidationError(_("“count” is a whole number: how many rows the source counted."), code="count")
    return int(said)


def _told(run: ImportRun) -> Mapping[str, Any]:
    return {
        "run": str(run.pk),
        "state": run.state,
        "state_url": reverse("import_state_api", args=[run.pk]),
        "url": reverse("import_run", args=[run.pk]),
        "original_sha256": run.original_sha256,
        "cut": run.cut,
        "taken_at": run.taken_at.isoformat() if run.taken_at else None,
        "filter": run.filter_text,
        "source_count": run.source_count,
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
