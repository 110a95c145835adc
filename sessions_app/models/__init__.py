"""What was done with privileged access: recorders, sessions, their recordings and transcripts."""

from sessions_app.models.command import Command, CommandQuerySet
from sessions_app.models.recorder import Coverage, Recorder, RecorderQuerySet
from sessions_app.models.session import (
    Recording,
    RecordingQuerySet,
    Session,
    SessionQuerySet,
    TranscriptChunk,
)
from sessions_app.models.viewing import Viewing, ViewingQuerySet

__all__ = [
    "Command",
    "CommandQuerySet",
    "Coverage",
    "Recorder",
    "RecorderQuerySet",
    "Recording",
    "RecordingQuerySet",
    "Session",
    "SessionQuerySet",
    "TranscriptChunk",
    "Viewing",
    "ViewingQuerySet",
]
