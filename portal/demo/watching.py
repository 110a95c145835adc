"""Recordings that the gateway's recorder delivers, an hour after their sessions."""

from io import BytesIO

from portal.demo import casts, scene
from portal.demo.calendar import Calendar
from portal.demo.casts import Script
from portal.tasks import inline
from sessions_app.models import Recorder, Recording
from sessions_app.services import intake, recorders


def deliver(calendar: Calendar, script: Script) -> None:
    """One session, filed as the gateway names it."""
    said = script.head
    with inline.jobs():
        recording = intake.receive(
            BytesIO(casts.recording(script, calendar)),
            file_name=script.file_name,
            system=scene.system(said["system"]),
            account_name=said["account"],
            acted_as=said.get("acts as"),
            started_at=calendar.at(script.day, said["time"]),
            recorder=Recorder.objects.get(code="rec-jump"),
            by=scene.user("rec-jump"),
        )
    recording.refresh_from_db()
    if recording.state != Recording.State.SEALED:
        raise scene.Torn(f"{script.name}: {recording.reason or recording.state}")


def give_a_sign(_calendar: Calendar) -> None:
    """The recorder is alive, also where nobody opened a session."""
    recorders.heartbeat(Recorder.objects.get(code="rec-jump"))
