"""What may be sent about feeds: rhythm, folder, what the portal reads itself, and tokens of one source."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import VersionForm
from accounts.models import Source
from accounts.pulls import PULLS
from portal.users.models import User

HOURS = [1, 6, 12, 24, 24 * 7, 24 * 14, 24 * 30]
ADDRESSES = {
    "kubernetes": _("Of the API server: https://api.cluster.example:6443"),
    "ldap": _("ldaps://dc1.example, or ldap://dc1.example, where TLS is begun before anything is said."),
}
# Setting -> its words on the form.
WORDS: Mapping[str, tuple[Any, Any]] = {
    "url": (_("Address"), ""),
    "region": (_("Region"), _("Such as eu-central-1. AWS’s own addresses follow from it.")),
    "endpoint": (_("Endpoint"), _("Only where requests go to another address than AWS’s own.")),
    "base": (_("Base"), _("Everything below it is read: dc=example,dc=com")),
    "filter": (
        _("Filter"),
        _("Leave it empty to read everything: with a filter, nothing that is missing counts as gone."),
    ),
}


class FeedForm(VersionForm):
    """How readings of a source come without hands."""

    every_hours = forms.TypedChoiceField(
        label=_("A reading is expected"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=_("One that does not come is missed, and the owner of the system is told."),
    )
    inbox = forms.CharField(
        label=_("Name for machines"),
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
        ),
        help_text=_(
            "Small letters, digits and hyphens. Its folder in the inbox has this name, and so have its "
            "secrets in the environment."
        ),
    )
    applies_by_itself = forms.BooleanField(
        label=_("Apply without hands"),
        required=False,
        help_text=_(
            "Only complete readings that raise no question: nothing rejected, no warning, no fuse. "
            "Everything else waits for a person, and so does every file sent by hand."
        ),
    )
    is_pulled = forms.BooleanField(
        label=_("The portal reads it itself"),
        required=False,
        help_text=_("Read only, with a secret that stands in the environment and nowhere else."),
    )

    def __init__(self, *args: Any, source: Source, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.way = PULLS.get(source.connector)
        hours = sorted({*HOURS, source.every_hours or HOURS[0]})
        choices = [(number, Source(every_hours=number).rhythm) for number in hours]
        self.fields["every_hours"].choices = [("", _("now and then")), *choices]  # type: ignore[attr-defined]
        if self.way is None:
            del self.fields["is_pulled"]
            return
        for name in self.way.fields:
            label, words = WORDS[name]
            self.fields[name] = forms.CharField(
                label=label,
                required=False,
                max_length=1000,
                help_text=ADDRESSES.get(self.way.kind, "") if name == "url" else words,
                widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
            )

    @staticmethod
    def initial_of(source: Source) -> dict[str, Any]:
        """The feed as this form shows it."""
        return {
            "version": source.version,
            "every_hours": source.every_hours,
            "inbox": source.inbox,
            "applies_by_itself": source.applies_by_itself,
            "is_pulled": source.is_pulled,
            **source.pull,
        }

    @property
    def pull(self) -> dict[str, str] | None:
        """Settings of the pull, or None where the portal does not read."""
        if self.way is None or not self.cleaned_data.get("is_pulled"):
            return None
        return {name: self.cleaned_data[name] for name in self.way.fields}

    def refuse(self, refusal: ValidationError) -> None:
        """Say what a service refused, at the field where that helps."""
        if not hasattr(refusal, "error_dict"):
            self.add_error(None, refusal)
            return
        for name, errors in refusal.message_dict.items():
            place = "is_pulled" if name == "pull" else name
            self.add_error(place if place in self.fields else None, errors)


class SourceTokenForm(forms.Form):
    """A token that delivers readings of one source."""

    machine = forms.ModelChoiceField(
        label=_("Machine"), queryset=User.objects.none(), empty_label=_("Choose …")
    )
    label = forms.CharField(label=_("What it is for"), max_length=100)
    days = forms.IntegerField(label=_("Days it lives"), min_value=1, max_value=366, initial=90)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        machines = User.objects.filter(kind=User.Kind.MACHINE, is_active=True).order_by("name")
        self.fields["machine"].queryset = machines  # type: ignore[attr-defined]  # a ModelChoiceField
