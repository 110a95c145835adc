"""What administrators may send about portal users, tokens and approvals."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.users.models import User
from portal.users.roles import LABELS, Role

# What a token may be issued for here. One that delivers readings is bound to its source and issued there.
SCOPES = [("recording", _("deliver recordings"))]


class UserForm(forms.Form):
    """A new portal user; the link to the inventory is found by the address."""

    kind = forms.ChoiceField(label=_("Kind"), choices=User.Kind, initial=User.Kind.PERSON)
    name = forms.CharField(label=_("Name"), max_length=200)
    email = forms.EmailField(
        label=_("E-mail"),
        help_text=_("People sign in with it; machines need one of their own for the record."),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, LABELS[role]) for role in Role],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Reviewers and owners need none: what they may do follows from what they answer for."),
    )

    def clean_email(self) -> str:
        """One address, one user."""
        email: str = self.cleaned_data["email"].strip().lower()
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError(_("There is a portal user with this address already."))
        return email


class RolesForm(forms.Form):
    """Exactly these roles, as seen when the page was opened."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, LABELS[role]) for role in Role],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)


class TokenForm(forms.Form):
    """A token for a machine."""

    user = forms.ModelChoiceField(label=_("Machine"), queryset=User.objects.none(), empty_label=_("Choose …"))
    label = forms.CharField(label=_("What it is for"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=_("May"),
        choices=SCOPES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )
    days = forms.IntegerField(label=_("Days it lives"), min_value=1, max_value=366, initial=90)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        machines = User.objects.filter(kind=User.Kind.MACHINE, is_active=True).order_by("name")
        self.fields["user"].queryset = machines  # type: ignore[attr-defined]  # a ModelChoiceField


class AnswerForm(forms.Form):
    """A second person's answer."""

    verdict = forms.ChoiceField(choices=[("granted", _("Grant")), ("refused", _("Refuse"))])
    remark = forms.CharField(label=_("Remark"), required=False, max_length=500)
