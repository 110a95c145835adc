"""What may be sent about removals."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Revocation, System

AT_ONCE = 500  # rows that one form may report


class FilterForm(forms.Form):
    """Which removals to show; what makes no sense is left out, a list always answers."""

    state = forms.CharField(required=False)
    system = forms.CharField(required=False)
    overdue = forms.BooleanField(required=False)

    def chosen_state(self, otherwise: str) -> str:
        """A state, `todo`, `unproven` or `all`."""
        given = str(self.data.get("state") or "")
        known = {*Revocation.State.values, "todo", "unproven", "all"}
        return given if given in known else otherwise

    def chosen_system(self, systems: list[System]) -> System | None:
        """One of those that may be chosen."""
        given = str(self.data.get("system") or "")
        return next((system for system in systems if system.code == given), None)

    @property
    def only_overdue(self) -> bool:
        """Only what should have gone by now."""
        return bool(self.data.get("overdue"))


class DoneForm(forms.Form):
    """Rows that were carried out, each as `key:version`, and the ticket under which it was done."""

    ticket = forms.CharField(
        label=_("Ticket"), max_length=100, required=False, help_text=_("Where others can read what was done.")
    )

    def __init__(self, *args: Any, picks: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._picks = picks or []

    def clean(self) -> dict[str, Any]:
        """The picked rows as {key: version}."""
        given = super().clean() or {}
        seen: dict[UUID, int] = {}
        for pick in self._picks:
            key, _colon, version = pick.partition(":")
            try:
                seen[UUID(key)] = int(version)
            except ValueError:
                raise ValidationError(_("Read the list again: a row could not be recognised.")) from None
        if not seen:
            raise ValidationError(_("Tick the rows you have carried out."))
        if len(seen) > AT_ONCE:
            raise ValidationError(_("That is more than %(most)d rows at once."), params={"most": AT_ONCE})
        given["seen"] = seen
        return given


class ImpossibleForm(forms.Form):
    """It can't be done, because …"""

    version = forms.IntegerField(widget=forms.HiddenInput)
    because = forms.CharField(
        label=_("It can’t be done, because"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        help_text=_("Whoever decided it reads this and decides again."),
    )


class VersionForm(forms.Form):
    """Carries the version that was seen."""

    version = forms.IntegerField(widget=forms.HiddenInput)
