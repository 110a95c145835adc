"""What may be sent about who is who: a merge, a split, and a missing row that is no leaver."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import VersionForm
from accounts.models import Account, Engagement, Identity


class MergeForm(VersionForm):
    """Both as they were seen."""

    other = forms.UUIDField(widget=forms.HiddenInput)
    other_version = forms.IntegerField(widget=forms.HiddenInput)


class DismissForm(forms.Form):
    """Why a missing row is no leaver."""

    because = forms.CharField(
        label=_("Why is it no leaver?"),
        max_length=300,
        help_text=_("For example: the second number of somebody who is still here."),
    )


class _Engagements(forms.ModelMultipleChoiceField[Engagement]):
    def label_from_instance(self, obj: Any) -> str:
        """Number, company, and where the row comes from."""
        where = obj.employer or obj.source.name
        return f"{obj.number} · {where} · {obj.get_status_display()}"


class _Accounts(forms.ModelMultipleChoiceField[Account]):
    def label_from_instance(self, obj: Any) -> str:
        """Its name on its system."""
        gone = f" · {_('gone')}" if obj.gone_run_id else ""
        return f"{obj.name} · {obj.system.code}{gone}"


class SplitForm(VersionForm):
    """What is somebody else's, and who that is."""

    engagements = _Engagements(
        Engagement.objects.none(),
        label=_("Engagements of the other one"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    accounts = _Accounts(
        Account.objects.none(),
        label=_("Accounts of the other one"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    into = forms.ModelChoiceField(
        label=_("Who is the other one?"),
        queryset=Identity.objects.none(),
        required=False,
        empty_label=_("somebody new, named below"),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)

    def __init__(self, *args: Any, whole: Identity, accounts: "QuerySet[Account]", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["engagements"].queryset = whole.engagements.select_related("source").order_by("pk")
        fields["accounts"].queryset = accounts.order_by("system__code", "name", "pk")
        fields["into"].queryset = whole.merged.order_by("name", "pk")
        fields["engagements" if whole.is_human else "accounts"].required = True
        if not whole.is_human:
            del fields["engagements"], fields["email"]
        if not whole.merged.exists():
            del fields["into"]
            fields["name"].required = True

    def clean(self) -> dict[str, Any]:
        """Somebody new needs a name."""
        given = super().clean() or {}
        if "into" in self.fields and not given.get("into") and not given.get("name", "").strip():
            self.add_error("name", _("Say who it is."))
        return given
