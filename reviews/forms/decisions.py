"""What a reviewer may send: a decision, several alike, an undo, passing on, a sign-off."""

import re
from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import person_field
from reviews.models import ReviewItem

REASON_AT_MOST = 500
SEEN = re.compile(r"(\d{1,18}):(\d{1,9})")


class DecisionForm(forms.Form):
    """A verdict on what was seen. A reason or an end that is left out gets the usual one."""

    ordinal = forms.IntegerField(min_value=0)
    verdict = forms.ChoiceField(choices=ReviewItem.Verdict.choices)
    reason = forms.CharField(max_length=REASON_AT_MOST, required=False)
    own_reason = forms.CharField(max_length=REASON_AT_MOST, required=False)
    ends_on = forms.DateField(required=False)

    def clean(self) -> dict[str, Any]:
        """Words of one's own win over those that were offered."""
        given = super().clean() or {}
        given["reason"] = given.get("own_reason") or given.get("reason") or ""
        return given

    def says_more_than(self, standing: str) -> bool:
        """Pressing what is pressed already says nothing, and must not replace a reason that was given."""
        given = self.cleaned_data
        return bool(given["verdict"] != standing or given["reason"] or given["ends_on"])

    def ends_at(self) -> datetime | None:
        """The end of the chosen day, where the portal stands."""
        day = self.cleaned_data["ends_on"]
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59))) if day else None


class UndoForm(forms.Form):
    """Which decision is taken back."""

    ordinal = forms.IntegerField(min_value=1)


class AlikeForm(forms.Form):
    """One verdict for the ticked lines; each tick carries the ordinal that was seen."""

    verdict = forms.ChoiceField(choices=ReviewItem.Verdict.choices)
    reason = forms.CharField(max_length=REASON_AT_MOST, required=False)

    def seen(self) -> dict[int, int]:
        """Item key → ordinal."""
        found = {}
        for tick in self.data.getlist("seen"):  # type: ignore[attr-defined]  # a QueryDict, as from every page
            match = SEEN.fullmatch(tick)
            if match is None:
                raise ValidationError(_("The ticked lines can’t be read. Read the page again."))
            found[int(match[1])] = int(match[2])
        return found


class PassOnForm(forms.Form):
    """Who decides instead, and why."""

    to = person_field(_("Who should decide?"), help_text=_("E-mail address or full name of a person."))
    reason = forms.CharField(
        label=_("Why"),
        max_length=REASON_AT_MOST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For example: I don’t know what this right does; Leon runs the service."),
    )


class SignOffForm(forms.Form):
    """The version that was looked at, and the statement."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    confirmed = forms.BooleanField(
        label=_("I have looked at each line. What is kept is needed; what is not needed is to go."),
        error_messages={"required": _("Confirm the statement to sign off.")},
    )
