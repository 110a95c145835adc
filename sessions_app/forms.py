"""Forms: a recording and what is said about it, filters, purposes, recorders and their coverage."""

from datetime import datetime
from typing import Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, System
from portal import moment
from sessions_app.models import Recorder, Recording, Session
from sessions_app.services.recorders import LONGEST_RETENTION, NOTICE_TEXTS, Notice

DateTimeInput = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")


def _in_words(words: str | Promise) -> str:
    """What a field for a moment has to say: people type local times, and have to know whose."""
    return f"{words} {gettext('Times are in %s.') % timezone.get_current_timezone_name()}".strip()


_with_zone = lazy(_in_words, str)


class ZonedDateTimeField(forms.DateTimeField):
    """A moment from a program: RFC 3339 with its zone, because a local time means nothing to a machine."""

    def to_python(self, value: Any) -> datetime | None:
        """`2026-11-24T09:00:00Z`."""
        if value in self.empty_values:
            return None
        try:
            found = datetime.fromisoformat(str(value).strip())
        except ValueError:
            found = None
        if found is None or timezone.is_naive(found):
            words = _("Write the start with its zone, such as 2026-11-24T09:00:00Z.")
            raise ValidationError(words, code="bad_time")
        return found


class DeliveryForm(forms.Form):
    """A recording and what its deliverer says about it; what recorders send, and the ground of the upload."""

    file = forms.FileField(
        label=_("Recording"),
        help_text=_("A terminal recording: asciicast version 1, 2 or 3, plain or packed with gzip."),
        error_messages={
            "required": _("Choose the file of the recording."),
            "empty": _("The file is empty. Upload the recording again."),
        },
    )
    system = forms.ModelChoiceField(
        System.objects.by_code(),
        to_field_name="code",
        label=_("System"),
        help_text=_("Where the session was opened; for a gateway, the gateway."),
        empty_label=_("Choose …"),
        error_messages={"invalid_choice": _("No system has this code.")},
    )
    account = forms.CharField(
        label=_("Account"),
        max_length=256,
        help_text=_("The name of the account on that system, as the system writes it."),
    )
    acted_as = forms.CharField(
        label=_("Acted as"),
        max_length=256,
        required=False,
        help_text=_("At a gateway: the right that was used, such as root@core01."),
    )
    started_at: forms.DateTimeField = ZonedDateTimeField(required=False)
    session = forms.CharField(
        label=_("Session id"),
        max_length=256,
        required=False,
        help_text=_("What the recorder calls the session. Several recordings with one id are one session."),
    )

    @property
    def delivery(self) -> dict[str, Any]:
        """What `intake.receive` takes."""
        said = self.cleaned_data
        upload: UploadedFile[bytes] = said["file"]
        return {
            "file": cast(BinaryIO, upload.file),
            "file_name": str(upload.name or ""),
            "system": said["system"],
            "account_name": said["account"],
            "acted_as": said["acted_as"],
            "started_at": said["started_at"],
            "external_id": said["session"],
        }


class UploadForm(DeliveryForm):
    """The same from a person, who may say from which recorder it comes."""

    started_at = forms.DateTimeField(
        label=_("Began at"),
        required=False,
        widget=DateTimeInput,
        help_text=_with_zone(_("Empty: as the recording says. What you fill in counts before that.")),
    )
    recorder = forms.ModelChoiceField(
        Recorder.objects.order_by("code"),
        to_field_name="code",
        label=_("Recorder"),
        required=False,
        empty_label=_("none: a recording of another origin"),
        help_text=_("Its notice record and coverage then decide whether the recording may be read."),
    )
    field_order = ("file", "system", "account", "acted_as", "started_at", "session", "recorder")

    @property
    def delivery(self) -> dict[str, Any]:
        """What `intake.receive` takes."""
        return {**super().delivery, "recorder": self.cleaned_data["recorder"]}


class WatchForm(forms.Form):
    """Why somebody watches."""

    purpose = forms.CharField(
        label=_("What do you watch it for?"),
        max_length=300,
        help_text=_("Kept with your name and the time, and shown to compliance."),
    )


class SessionFilter(forms.Form):
    """The filters of the session list; `command` and `words` are there for those who may watch."""

    who = forms.CharField(label=_("Who or which account"), required=False, max_length=100)
    system = forms.ModelChoiceField(
        System.objects.none(),
        to_field_name="code",
        label=_("System"),
        required=False,
        empty_label=_("All systems"),
    )
    match = forms.ChoiceField(
        label=_("Grant"), required=False, choices=[("", _("Any")), *Session.Match.choices]
    )
    recording = forms.ChoiceField(
        label=_("Recording"),
        required=False,
        choices=[("", _("Any state")), *Recording.State.choices, ("held", _("held unprocessed"))],
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    command = forms.CharField(
        label=_("Command"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "kubectl delete"}),
    )
    words = forms.CharField(
        label=_("Words in transcripts"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    # From links of other pages.
    recorder = forms.CharField(required=False, max_length=24, widget=forms.HiddenInput)
    identity = forms.UUIDField(required=False, widget=forms.HiddenInput)
    account = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    grant = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, may_watch: bool, systems: QuerySet[System], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only systems of sessions that this person sees: a list of choices tells of what there is.
        choice = cast("forms.ModelChoiceField[System]", self.fields["system"])
        choice.queryset = systems.distinct().order_by("code")
        if not may_watch:
            del self.fields["words"], self.fields["command"]


class RecorderForm(forms.Form):
    """A recorder, its machine identity, what it covers, and its notice record."""

    code = forms.CharField(label=_("Short code"), max_length=24, help_text=_("Such as rec-jump; it stays."))
    name = forms.CharField(label=_("Name"), max_length=200)
    identity = forms.ModelChoiceField(
        Identity.objects.machines().active().filter(recorder=None).order_by("name"),
        label=_("Machine identity"),
        help_text=_("It signs in with a token of its own; its owner answers for the recorder."),
        empty_label=_("Choose …"),
    )
    systems = forms.ModelMultipleChoiceField(
        System.objects.by_code(),
        to_field_name="code",
        label=_("Systems it records"),
        widget=forms.CheckboxSelectMultiple,
    )
    since = forms.DateTimeField(
        label=_("From"), help_text=_with_zone(""), widget=DateTimeInput, initial=moment.now
    )
    until = forms.DateTimeField(label=_("Until"), widget=DateTimeInput, required=False)
    purpose = forms.CharField(label=_("Purpose"), widget=forms.Textarea(attrs={"rows": 2}))
    legal_basis = forms.CharField(
        label=_("Legal basis"), max_length=300, help_text=_("Such as Art. 6(1)(f) GDPR, legitimate interest.")
    )
    notice_text = forms.CharField(
        label=_("Notice"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What people read before they are recorded, word for word."),
    )
    dpia = forms.CharField(label=_("Impact assessment"), max_length=200, help_text=_("Its reference."))
    agreement = forms.CharField(
        label=_("Agreement"), max_length=200, help_text=_("Reference of the agreement with the staff's side.")
    )
    countries = forms.CharField(
        label=_("Countries"), max_length=200, help_text=_("Where the recorded people work, such as DE, SE.")
    )
    retention_days = forms.IntegerField(
        label=_("Kept for, in days"), min_value=1, max_value=LONGEST_RETENTION
    )

    @property
    def connection(self) -> dict[str, Any]:
        """What `recorders.connect` takes."""
        said = self.cleaned_data
        countries = {part.strip().upper() for part in said["countries"].split(",")} - {""}
        texts = {key: said[key].strip() for key in NOTICE_TEXTS}
        notice = Notice(**texts, countries=tuple(sorted(countries)), retention_days=said["retention_days"])
        plain = ("code", "name", "identity", "systems", "since", "until")
        return {**{key: said[key] for key in plain}, "notice": notice}


class CoverageForm(forms.Form):
    """One more system, from when to when."""

    system = forms.ModelChoiceField(
        System.objects.by_code(), to_field_name="code", label=_("System"), empty_label=_("Choose …")
    )
    since = forms.DateTimeField(
        label=_("From"), help_text=_with_zone(""), widget=DateTimeInput, initial=moment.now
    )
    until = forms.DateTimeField(label=_("Until"), widget=DateTimeInput, required=False)
