"""Commands that were found in recordings: what can be searched and held to a policy."""

from typing import Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from sessions_app.models.session import Recording


class CommandQuerySet(models.QuerySet["Command"]):
    """Questions about commands."""

    def in_order(self) -> Self:
        """As they were typed."""
        return self.order_by("number")

    def holding(self, words: str) -> Self:
        """Whose text holds these words as they are written, without regard to case."""
        return self.filter(text__icontains=words)


class Command(models.Model):
    """A line that was accepted, or told by the recorder. Derived from a recording, and derived again at will.

    It is an aid, not proof: who typed is not established, and programs can print what looks like a command.
    """

    class Method(models.TextChoices):
        """How it is known; from sure to less sure."""

        RECORDER = "recorder", _("observed by the recorder")
        OSC633 = "osc633", _("told by the shell")
        OSC133 = "osc133", _("marked by the shell")
        PASTE = "paste", _("between marks of line editing")
        PROMPT = "prompt", _("behind what looks like a prompt")

    class Confidence(models.TextChoices):
        """How sure that is."""

        HIGH = "high", _("high")
        MEDIUM = "medium", _("medium")
        LOW = "low", _("low")

    recording = models.ForeignKey(Recording, models.CASCADE, related_name="commands")
    number = models.PositiveIntegerField()  # from 1
    at_seconds = models.FloatField()  # after the start of the recording
    text = models.TextField()
    method = models.CharField(max_length=8, choices=Method)
    confidence = models.CharField(max_length=6, choices=Confidence)
    is_aborted = models.BooleanField(default=False)  # typed, and not run

    objects = CommandQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="command_once")]
        indexes = [GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), name="command_words")]

    def __str__(self) -> str:
        return f"{self.recording_id}/{self.number}"
