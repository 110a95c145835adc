"""What may be sent about packs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class PackForm(forms.Form):
    """Ask for a pack."""

    with_recordings = forms.BooleanField(
        label=_("With the recordings themselves"),
        required=False,
        help_text=_(
            "Needs a second person’s release. Session facts, digests and transcripts are in every pack."
        ),
    )
    reason = forms.CharField(label=_("Why the recordings must leave"), required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        """A reason where recordings are wanted."""
        given = super().clean() or {}
        if given.get("with_recordings") and not given.get("reason", "").strip():
            self.add_error("reason", _("Say why; the second person decides on it."))
        return given


class ReleaseForm(forms.Form):
    """The second person's answer."""

    verdict = forms.ChoiceField(choices=[("granted", _("Release")), ("refused", _("Refuse"))])
    remark = forms.CharField(label=_("Remark"), required=False, max_length=500)
