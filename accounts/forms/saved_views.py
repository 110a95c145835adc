"""What may be sent about a saved view."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SavedViewForm(forms.Form):
    """The name that somebody gives a filter."""

    name = forms.CharField(label=_("Name"), max_length=80)
