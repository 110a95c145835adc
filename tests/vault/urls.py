"""Three ways in which a view takes an upload."""

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from portal.vault.spool import SealedUpload, UploadTooLarge, from_stream


def sent(request: HttpRequest) -> SealedUpload:
    """The file of a form."""
    upload = request.FILES["file"]
    assert isinstance(upload, SealedUpload)
    return upload


@csrf_exempt
@login_not_required
def form(request: HttpRequest) -> HttpResponse:
    """A form with a file."""
    upload = sent(request)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return JsonResponse(
        {
            "name": upload.name,
            "size": upload.size,
            "sha256": digest.hexdigest(),
            "note": request.POST.get("note"),
        }
    )


@login_not_required
def guarded(request: HttpRequest) -> HttpResponse:
    """A form whose token is checked, which reads the form before the view does."""
    return HttpResponse(sent(request).name)


@csrf_exempt
@login_not_required
def form_with_its_own_words(request: HttpRequest) -> HttpResponse:
    """A form that shows the refusal itself."""
    try:
        return HttpResponse(sent(request).name)
    except UploadTooLarge as refusal:
        return HttpResponse(f"own words: {refusal.message}", status=422)


@csrf_exempt
@login_not_required
def raw(request: HttpRequest) -> HttpResponse:
    """A body that is the file."""
    with from_stream(request) as file:
        return JsonResponse({"sha256": hashlib.file_digest(file, "sha256").hexdigest()})


urlpatterns = [
    path("form", form),
    path("guarded", guarded),
    path("own-words", form_with_its_own_words),
    path("raw", raw),
]
