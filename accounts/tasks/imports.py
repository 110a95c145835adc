"""Readings, read and applied in the background; a lost task changes nothing, the clock sends it again."""

from uuid import UUID

from django.utils.translation import gettext as _

from accounts import reconciliation
from portal.tasks.jobs import job


def _given_up(reason: str, run_id: str) -> None:
    """No attempt is left: the run is refused, so that somebody looks."""
    words = _("It could not be read to its end (%(reason)s). Nothing of it was kept. Upload it again.")
    reconciliation.fail(UUID(run_id), words % {"reason": reason})


@job(attempts=3, on_exhausted=_given_up)
def preview_import(run_id: str) -> None:
    """Read the file of a run and show what applying it would change."""
    reconciliation.preview(UUID(run_id))


@job(attempts=3, on_exhausted=_given_up)
def apply_import(run_id: str) -> None:
    """Write a previewed run into the record."""
    reconciliation.apply(UUID(run_id))
