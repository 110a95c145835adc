"""How a list of who may enter is narrowed; a value that makes no sense narrows nothing."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Entitlement, System
from accounts.models.reach import OWN, Asked


class ReachFilter(forms.Form):
    """Account, host and way are asked of the database; recorded and reviewed of the rooms that know."""

    account = forms.CharField(
        label=_("Acting as"), required=False, max_length=256, widget=forms.TextInput(attrs={"type": "search"})
    )
    host = forms.ChoiceField(label=_("On host"), required=False)
    way = forms.ChoiceField(
        label=_("By"),
        required=False,
        choices=[("", _("every path")), (OWN, _("the account itself")), *Entitlement.Reach.choices],
    )
    who = forms.ChoiceField(
        label=_("Who"),
        required=False,
        choices=[
            ("", _("people and machines")),
            ("people", _("people")),
            ("machines", _("machines")),
            ("nobody", _("nobody known")),
        ],
    )
    recorded = forms.ChoiceField(
        label=_("Recorded"),
        required=False,
        choices=[
            ("", _("any")),
            ("recorded", _("recorded")),
            ("not_recorded", _("not recorded")),
            ("unknown", _("unknown")),
        ],
    )
    reviewed = forms.ChoiceField(
        label=_("Reviewed"),
        required=False,
        choices=[("", _("any")), ("never", _("never")), ("ever", _("at some time"))],
    )
    unused = forms.ChoiceField(
        label=_("Still needed"),
        required=False,
        choices=[("", _("any")), ("yes", _("unused")), ("unknown", _("unknown"))],
    )
    all = forms.BooleanField(label=_("Also rights that are not privileged"), required=False)

    def __init__(self, system: System, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.system = system
        hosts = [("", _("any host")), *((name, name) for name in system.hosts)]
        self.fields["host"].choices = hosts  # type: ignore[attr-defined]  # a ChoiceField

    def said(self, name: str) -> str:
        """What was asked for by this field; nothing where it makes no sense."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "").replace("\x00", "")

    @property
    def asked(self) -> Asked:
        """What is asked of the database."""
        return Asked(
            self.system,
            account=self.said("account"),
            host=self.said("host"),
            reach=self.said("way"),
            who=self.said("who"),
            with_unprivileged=bool(self.said("all")),
        )
