"""Where uploads wait until a service has read them: sealed, counted, memory flat.

Every multipart upload comes through `SealedUploadHandler`, every raw body through `from_stream`.
"""

import io
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.vault.sealed import SealedFile

PIECE = 1 << 16
# A multipart body is longer than its files by its form fields and boundaries.
OVERHEAD = 1 << 20
REFUSED = "portal.upload_refused"  # in request.META, for the middleware


class UploadTooLarge(RequestDataTooBig):
    """An upload is over the limit. A view may show it; where none does, the middleware answers 413."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What happened and what to do, for people."""
        return _(
            "This upload is larger than %(limit)s, so nothing of it was kept. Upload a smaller file (export "
            "fewer columns, or one part at a time), or have the portal's operator raise PORTAL_UPLOAD_LIMIT."
        ) % {"limit": readable(self.limit)}


class SealedUpload(UploadedFile):  # type: ignore[type-arg]  # generic in its stubs only
    """One uploaded file, sealed while it waits."""

    def temporary_path(self) -> str:
        """There is no readable file to point at."""
        raise NotImplementedError("uploads are sealed: read them from the object")


class SealedUploadHandler(FileUploadHandler):
    """Django's upload handler for all uploads; the only one in FILE_UPLOAD_HANDLERS."""

    def handle_raw_input(
        self,
        input_data: Any,  # noqa: ARG002  # Django passes it by name
        META: dict[str, Any],  # noqa: N803, ARG002
        content_length: int,
        boundary: str,  # noqa: ARG002
        encoding: str | None = None,  # noqa: ARG002
    ) -> None:
        """Refuse by length before a byte is read."""
        if content_length > settings.PORTAL_UPLOAD_LIMIT + OVERHEAD:
            refuse(self.request, settings.PORTAL_UPLOAD_LIMIT)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self._sealed = SealedFile()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:  # noqa: ARG002
        """Seal a piece and count it."""
        if self._sealed.size + len(raw_data) > settings.PORTAL_UPLOAD_LIMIT:
            self._sealed.close()
            refuse(self.request, settings.PORTAL_UPLOAD_LIMIT)
        self._sealed.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> SealedUpload:
        """Hand the file out, at its beginning."""
        return SealedUpload(
            file=io.BufferedReader(self._sealed, PIECE),
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        """The client went away."""
        self._sealed.close()


def from_stream(request: HttpRequest, *, limit: int | None = None) -> io.BufferedReader:
    """The raw body of `request` as a sealed, seekable file at its beginning. Raises `UploadTooLarge`."""
    most = settings.PORTAL_UPLOAD_LIMIT if limit is None else limit
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        refuse(request, most)
    sealed = SealedFile()
    try:
        while piece := request.read(PIECE):
            if sealed.size + len(piece) > most:
                refuse(request, most)
            sealed.write(piece)
    except BaseException:
        sealed.close()
        raise
    return io.BufferedReader(sealed, PIECE)


def refuse(request: HttpRequest | None, limit: int) -> NoReturn:
    """Raise `UploadTooLarge` and leave word for the middleware: Django alone would answer a bare 400."""
    refusal = UploadTooLarge(limit)
    if request is not None:
        request.META[REFUSED] = refusal
    raise refusal


def readable(size: int) -> str:
    """`1.0 GB`: a limit as people say it."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
