"""What compliance may send: a definition, a launch with its exceptions, a share, a closing."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import person_field
from accounts.models import Identity, System
from portal import moment
from portal.users.models import User
from reviews.models import Campaign, CampaignShare
from reviews.services.readings import SourceLine

REASON_AT_MOST = 2_000


def end_of(day: Any) -> datetime:
    """The last second of a day, where the portal stands."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


class SystemsField(forms.ModelMultipleChoiceField[System]):
    """Systems by short code and name."""

    def label_from_instance(self, obj: Any) -> str:
        """Both, because people know one or the other."""
        return f"{obj.code} · {obj.name}"


class CampaignForm(forms.Form):
    """What is reviewed, who steps in, and by when."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("For example: Q3 privileged access."))
    purpose = forms.CharField(
        label=_("What reviewers should know"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Stands above their lines: why this is asked, and whom to call."),
    )
    systems = SystemsField(System.objects.none(), label=_("Systems"), widget=forms.CheckboxSelectMultiple)
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of identity"), choices=Identity.Kind.choices, widget=forms.CheckboxSelectMultiple
    )
    privileged_only = forms.BooleanField(
        label=_("Privileged rights only"),
        required=False,
        help_text=_("Rights that nobody has judged yet are left out too, and listed loudly."),
    )
    with_credentials = forms.BooleanField(
        label=_("Also the credentials of machines"),
        required=False,
        help_text=_("Keys, tokens and passwords, so that old ones can be rotated."),
    )
    session_reach = forms.BooleanField(
        label=_("Only what opens privileged sessions"),
        required=False,
        help_text=_(
            "Session reach: rights by which somebody can enter the chosen systems, gateways in front of them"
            " included, and the credentials of machines that hold them."
        ),
    )
    fallback = person_field(
        _("Who reviews what has no reviewer"),
        help_text=_("Number, address or full name. Decides where no manager or owner is there."),
    )
    due_on = forms.DateField(
        label=_("Due"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The last day of the review."),
    )
    evidence_days = forms.IntegerField(
        label=_("Days of session evidence"),
        min_value=1,
        max_value=366,
        help_text=_("How far back sessions stand beside each line."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["systems"].queryset = System.objects.by_code()  # type: ignore[attr-defined]  # a model field

    def clean_due_on(self) -> Any:
        """Not over already."""
        day = self.cleaned_data["due_on"]
        if end_of(day) <= moment.now():
            raise ValidationError(_("The due date must be in the future."))
        return day

    def values(self) -> dict[str, Any]:
        """As the services take them."""
        given = {key: value for key, value in self.cleaned_data.items() if key not in {"version", "due_on"}}
        return given | {"due_at": end_of(self.cleaned_data["due_on"]), "systems": list(given["systems"])}


class LaunchForm(forms.Form):
    """The version and the preview that were looked at, and a reason for each red source."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, reds: Sequence[SourceLine] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = {f"exception-{line.key}": line for line in reds}
        for name, line in self.lines.items():
            where = f"{line.system_code}, {line.source}" if line.source else line.system_code
            self.fields[name] = forms.CharField(
                label=_("Go on with %(where)s, because") % {"where": where},
                help_text=_("Red: %(why)s. Your name stands under the exception.")
                % {"why": "; ".join(str(word) for word in line.red_words)},
                widget=forms.Textarea(attrs={"rows": 2}),
                max_length=REASON_AT_MOST,
            )

    def exceptions(self) -> dict[str, str]:
        """The reasons by the key of their source."""
        return {line.key: self.cleaned_data[name] for name, line in self.lines.items()}


class ShareForm(forms.Form):
    """Who may see the campaign, and until when."""

    user = forms.ModelChoiceField(User.objects.none(), label=_("Portal user"), empty_label=_("Choose …"))
    until_on = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, kind=User.Kind.PERSON).order_by("name")
        self.fields["user"].queryset = people  # type: ignore[attr-defined]  # a model field
        self.fields["until_on"].initial = (timezone.localtime(moment.now()) + timedelta(days=30)).date()

    def until(self) -> datetime:
        """The end of that day."""
        return end_of(self.cleaned_data["until_on"])


class UnshareForm(forms.Form):
    """Whose share ends."""

    user = forms.ModelChoiceField(User.objects.none())

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        readers = CampaignShare.objects.filter(content_object=campaign).values("user")
        self.fields["user"].queryset = User.objects.filter(pk__in=readers)  # type: ignore[attr-defined]  # a model field


class CloseForm(forms.Form):
    """Management's acknowledgement; with a reason where something is not done."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    exception = forms.CharField(
        label=_("Close although it is not complete, because"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=REASON_AT_MOST,
        help_text=_("Your name stands under the exception, in the record and in every pack."),
    )
    confirmed = forms.BooleanField(
        label=_("I acknowledge these results: what was kept stays, what was decided to go is to go."),
        error_messages={"required": _("Confirm the statement to close the campaign.")},
    )

    def __init__(self, *args: Any, is_red: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_red:
            del self.fields["exception"]
