"""What is done with recordings out of sight: reading them, and matching their sessions again."""

from datetime import timedelta

from django.utils.translation import gettext as _

from portal import moment
from portal.tasks.jobs import job
from sessions_app.models import Session
from sessions_app.processing import matching, reading

MATCHED_AGAIN_FOR = timedelta(days=90)


def give_up(reason: str, recording_id: str) -> None:
    """No attempt is left: the recording is kept, and says that it could not be read."""
    at = moment.now()
    recording = reading.claim(recording_id, at=at)
    if recording is not None:
        words = _("The portal could not read it (%(reason)s). Tell whoever runs the portal.")
        reading.reject(recording, "failed", words % {"reason": reason}, at=at)


@job(on_exhausted=give_up)
def process_recording(recording_id: str) -> None:
    """Read one recording, unless it is held, done, or being done."""
    at = moment.now()
    recording = reading.claim(recording_id, at=at)
    if recording is not None:
        reading.process(recording, at=at)


@job()
def match_sessions_again() -> None:
    """The record changed: sessions that it did not explain may be explained now."""
    at = moment.now()
    open_ends = Session.objects.to_match_again(at - MATCHED_AGAIN_FOR, matching.RULE)
    for session_id in open_ends.values_list("pk", flat=True):
        reading.match_again(session_id, at=at)
