"""What narrows the list of rights, and what somebody says about one."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.forms.filters import YES_NO_UNKNOWN, ListFilter, Rows, choice, people_called, tick, words_of
from accounts.forms.inventory import VersionForm, person_field
from accounts.models import Entitlement, Grant, Identity, Inclusion
from accounts.models.listing import has_words
from accounts.services.catalogue import LONGEST

WORDS = [("with", _("with words")), ("suggested", _("suggested")), ("without", _("without words"))]


class RightFilter(ListFilter):
    """Of rights; without a word about `use` those that somebody holds or something brings."""

    first = ("q", "system", "words", "privileged")
    q = words_of(_("Search"), _("name or words"))
    system = choice(_("System"), [])
    words = choice(_("In words"), WORDS)
    privileged = choice(_("Privileged"), YES_NO_UNKNOWN)
    kind = choice(_("Kind"), Entitlement.Kind.choices)
    reach = choice(_("Opens sessions by"), Entitlement.Reach.choices)
    mark = words_of(_("Marked"), _("wildcard"))
    owner = words_of(_("Owner"), _("name or address"))
    no_owner = tick(_("Nobody explains it"))
    use = choice(_("In use"), [("all", _("also unused ones"))], _("in use"))

    def narrow(self, rows: Rows) -> Rows:
        """Those in use, unless asked for all."""
        rows = super().narrow(rows)
        if self.asked.get("use"):
            return rows
        held = Grant.objects.held().filter(entitlement=OuterRef("pk"))
        brought = Inclusion.objects.held().filter(child=OuterRef("pk"))
        return rows.filter(Exists(held) | Exists(brought))

    def by_use(self, rows: Rows, _said: str) -> Rows:
        """See `narrow`."""
        return rows

    def by_q(self, rows: Rows, words: str) -> Rows:
        """By name, words, or its own id on the system."""
        return rows.filter(has_words("name", words) | has_words("plain_words", words) | Q(external_id=words))

    def by_words(self, rows: Rows, said: str) -> Rows:
        """What was only suggested is neither with nor without."""
        suggested = Q(described_by=Entitlement.Describer.SUGGESTED)
        if said == "suggested":
            return rows.filter(suggested)
        empty = Q(plain_words="")
        return rows.filter(~suggested, empty if said == "without" else ~empty)

    def by_privileged(self, rows: Rows, said: str) -> Rows:
        """By itself or through what it brings; unknown where nobody knows."""
        if said == "yes":
            return rows.filter(carries_privilege=True)
        return rows.filter(carries_privilege=False, is_privileged={"no": False}.get(said))

    def by_kind(self, rows: Rows, kind: str) -> Rows:
        """One kind."""
        return rows.filter(kind=kind)

    def by_reach(self, rows: Rows, reach: str) -> Rows:
        """Opens privileged sessions in this way."""
        return rows.filter(reach=reach)

    def by_mark(self, rows: Rows, mark: str) -> Rows:
        """The code of what makes it dangerous."""
        return rows.filter(marks__contains=[mark.strip().lower()])

    def by_owner(self, rows: Rows, words: str) -> Rows:
        """Of people called so."""
        return rows.filter(owner__in=Identity.objects.filter(people_called(words)).values("pk"))

    def by_no_owner(self, rows: Rows, _said: bool) -> Rows:
        """No owner, or one who has left."""
        return rows.filter(Q(owner=None) | Q(owner__status=Identity.Status.LEFT))

    def by_system(self, rows: Rows, code: str) -> Rows:
        """Of one system."""
        return rows.filter(system__code=code)


class RightForm(VersionForm):
    """What a right means."""

    plain_words = forms.CharField(
        label=_("What it lets somebody do"),
        max_length=LONGEST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In the words of whoever decides about it: “post payments up to 10,000”."),
    )
    risk = forms.CharField(
        label=_("What can go wrong"),
        max_length=LONGEST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_privileged = forms.TypedChoiceField(
        label=_("Privileged"),
        choices=[("yes", _("yes")), ("no", _("no")), ("", _("unknown"))],
        coerce={"yes": True, "no": False}.get,
        empty_value=None,
        required=False,
    )
    because = forms.CharField(label=_("Because"), max_length=LONGEST, required=False)
    owner = person_field(_("Owner"), required=False)

    def __init__(self, data: Any, *, right: Entitlement) -> None:
        said = {True: "yes", False: "no"}.get(right.is_privileged, "")  # type: ignore[arg-type]  # None is unknown
        owner = (right.owner.email or right.owner.name) if right.owner else ""
        initial = {
            "version": right.version,
            "plain_words": right.plain_words,
            "risk": right.risk,
            "is_privileged": said,
            "because": right.because,
            "owner": owner,
        }
        super().__init__(data, initial=initial)


class CatalogueForm(forms.Form):
    """A catalogue to be looked at or taken over."""

    file = forms.FileField(
        label=_("Catalogue"),
        help_text=_(
            "CSV or workbook. Columns: system, external id or name; and any of plain words, risk, "
            "privileged, because, owner. An empty cell changes nothing."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )
