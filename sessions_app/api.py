"""What recorders send, with the token of their machine user: recordings, and signs of life."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.request_id import current
from portal.users.bearer import refuse, token_required
from portal.users.models import Token
from portal.users.permissions import Perm
from portal.vault.spool import UploadTooLarge
from sessions_app.forms import DeliveryForm
from sessions_app.models import Recorder, Recording
from sessions_app.services import intake, recorders

SCOPE = "recording"
# What a field of the form says, in the words of this interface.
CODES = {("system", "invalid_choice"): "unknown_system", ("file", "invalid"): "not_multipart"}


@require_POST
@token_required(SCOPE)
def upload(request: HttpRequest, token: Token) -> HttpResponse:
    """POST /api/recordings/, multipart: file, system, account; perhaps acted_as, started_at, session.

    201 with the session and the digest; 200 when the same bytes were there before; 422 with codes by field.
    """
    recorder = _recorder_of(token)
    if recorder is None:
        return refuse(403, "not_a_recorder", _("This token belongs to no connected recorder."))
    if request.content_type != "multipart/form-data":
        return refuse(415, "not_multipart", _("Send multipart/form-data with the recording in “file”."))
    try:
        form = DeliveryForm(request.POST, request.FILES)
    except UploadTooLarge as refusal:
        return refuse(413, "too_large", refusal.message)
    except MultiPartParserError:
        return refuse(400, "not_multipart", _("The multipart body is damaged; send it again."))
    if not form.is_valid():
        return _refused(ValidationError(form.errors.as_data()))
    try:
        recording = intake.receive(**form.delivery, recorder=recorder, by=token.user)
    except ValidationError as refusal:
        return _refused(refusal)
    return JsonResponse(_told(request, recording), status=200 if recording.is_repeat else 201)


@require_POST
@token_required(SCOPE)
def heartbeat(_request: HttpRequest, token: Token) -> HttpResponse:
    """POST /api/recorders/heartbeat/: the recorder is alive, whether or not there is anything to record."""
    recorder = _recorder_of(token)
    if recorder is None:
        return refuse(403, "not_a_recorder", _("This token belongs to no connected recorder."))
    seen_at = recorders.heartbeat(recorder)
    return JsonResponse({"recorder": recorder.code, "seen_at": seen_at.isoformat()})


def _recorder_of(token: Token) -> Recorder | None:
    """The recorder behind a token, if its user may deliver at all."""
    if not token.user.may(Perm.RECORDING_UPLOAD):
        return None
    return Recorder.objects.filter(user=token.user_id).first()


def _told(request: HttpRequest, recording: Recording) -> dict[str, object]:
    session = recording.session
    return {
        "session": session.code,
        "recording": str(recording.pk),
        "sha256": recording.sha256,
        "size": recording.size,
        "state": recording.state,
        "held": recording.reason or None if recording.state == Recording.State.RECEIVED else None,
        "repeat": recording.is_repeat,
        "url": request.build_absolute_uri(reverse("session", args=[session.code])),
    }


def _refused(refusal: ValidationError) -> JsonResponse:
    """422: the first code and its words, and all of them by field."""
    fields = {
        name: [
            {
                "code": CODES.get((name, str(one.code)), one.code or "invalid"),
                "message": "".join(one.messages),
            }
            for one in errors
        ]
        for name, errors in refusal.error_dict.items()
    }
    first = next(error for errors in fields.values() for error in errors)
    told = {"error": first["code"], "message": first["message"], "request_id": current.get()}
    return JsonResponse({**told, "fields": fields}, status=422)
