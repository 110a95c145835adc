"""What narrows a list: one form a list, one method `by_<field>` a filter. An address holds all of it."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django import forms
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application, Engagement, Grant, Identity, System
from accounts.models.identity import IdentityQuerySet
from accounts.models.listing import begins_with, has_words
from portal import moment
from portal.users.guards import Among
from portal.users.models import User
from portal.users.permissions import Perm

Rows = QuerySet[Any, Any]
MOST_NUMBERS = 100  # people with the same number, in different companies
LONGEST_AGE = 36_500  # days
UNKNOWN: Final = "unknown"
YES_NO = [("yes", _("yes")), ("no", _("no"))]
YES_NO_UNKNOWN = [*YES_NO, (UNKNOWN, _("unknown"))]


ALL = _("all")


def choice(label: Any, choices: Iterable[tuple[str, Any]], none: Any = ALL) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", none), *choices])


def words_of(label: Any, placeholder: Any = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": placeholder})
    return forms.CharField(label=label, max_length=200, widget=widget)


def day_of(label: Any) -> forms.DateField:
    # Whatever the language, the address holds 2026-05-03, which is also what the browser's field takes.
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"])


def days_of(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=LONGEST_AGE)


def tick(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label)


def begins(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def key_of(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def number_of(words: str) -> int | None:
    return int(words) if words.isdecimal() and len(words) < 19 else None


def people_called(words: str) -> Q:
    """Identities by a key, as links of the portal write it, else by name, address or number.

    Whoever has the number is an array of keys, found first: conditions that indexes answer are answered
    by indexes, also with an OR between them.
    """
    if key := key_of(words):
        return Q(pk=key)
    numbered = Engagement.objects.filter(number__iexact=words).values("identity")[:MOST_NUMBERS]
    return has_words("name", words) | has_words("email", words) | Q(Among(F("pk"), ArraySubquery(numbered)))


class ListFilter(forms.Form):
    """Some filters of a list. What nobody said narrows nothing; what can't be understood is an error."""

    first: ClassVar[tuple[str, ...]] = ()  # stand on the page, the others behind "More filters"
    # Answered from other tables: how many rows fit takes longer than a page, which does not wait for it.
    far: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, data: Any, user: User, *, systems: bool = True) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.user = user
        for field in self.fields.values():
            field.required = False
        if isinstance(system := self.fields.get("system"), forms.ChoiceField):
            seen = System.objects.visible_to(user) if systems else System.objects.none()
            self.systems = dict(seen.by_code().values_list("code", "pk"))
            system.choices = [("", _("all")), *((code, code) for code in self.systems)]
            if not self.systems:
                del self.fields["system"]

    @property
    def asked(self) -> dict[str, Any]:
        """What narrows this list, by field."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}

    @property
    def query(self) -> str:
        """The same as an address holds it."""
        said = {name: self.data.get(name, "") for name in self.asked}
        return urlencode(said)

    @property
    def main(self) -> list[forms.BoundField]:
        """The filters that are always in sight."""
        return [self[name] for name in self.first if name in self.fields]

    @property
    def more(self) -> list[forms.BoundField]:
        """The others."""
        return [self[name] for name in self.fields if name not in self.first]

    @property
    def is_far(self) -> bool:
        """Something is asked that other tables answer."""
        return not self.far.isdisjoint(self.asked)

    @property
    def ahead(self) -> Q | None:
        """What comes before the rest in a list by name: names that begin with the words."""
        words = self.asked.get("q")
        return begins_with("name", words) if words else None

    @property
    def is_more_asked(self) -> bool:
        """One of the others narrows the list, or is in error, so they are shown."""
        return any(field.name in self.asked or field.errors for field in self.more)

    def narrow(self, rows: Rows) -> Rows:
        """The rows that fit; none while a filter is not understood, so that nobody takes more for it."""
        if not self.is_valid():
            return rows.none()
        for name, value in self.asked.items():
            by: Callable[[Rows, Any], Rows] = getattr(self, f"by_{name}")
            rows = by(rows, value)
        return rows

    def by_system(self, rows: Rows, code: str) -> Rows:
        """Of one system."""
        return rows.filter(system=self.systems[code])


class IdentityFilter(ListFilter):
    """Of people and machines."""

    first = ("q", "kind", "status", "system")
    far = frozenset({"system", "privileged", "no_owner", "application"})
    q = words_of(_("Search"), _("name, address or number"))
    kind = choice(
        _("Kind"),
        [
            (Identity.Kind.HUMAN.value, _("people")),
            ("machines", _("machines")),
            *((value, label) for value, label in Identity.Kind.choices if value != Identity.Kind.HUMAN),
        ],
    )
    status = choice(_("Status"), Identity.Status.choices)
    system = choice(_("Account on"), [])
    privileged = choice(_("Privileged rights"), YES_NO)
    environment = words_of(_("Environment"), _("production"))
    owner = words_of(_("Owner"), _("name or address"))
    no_owner = tick(_("Nobody answers"))
    can_act = tick(_("Can still act"))
    application = words_of(_("Application"), _("name"))
    findings = choice(_("Open findings"), YES_NO)

    def __init__(self, data: Any, user: User, *, systems: bool = True) -> None:
        super().__init__(data, user, systems=systems)
        if not sees_findings(user):
            del self.fields["findings"]

    def by_q(self, rows: Rows, words: str) -> Rows:
        """Name, address or number."""
        return rows.filter(people_called(words))

    def by_kind(self, rows: Rows, kind: str) -> Rows:
        """One kind, or all but people."""
        return rows.exclude(kind=Identity.Kind.HUMAN) if kind == "machines" else rows.filter(kind=kind)

    def by_status(self, rows: Rows, status: str) -> Rows:
        """Where it stands in its life."""
        return rows.filter(status=status)

    def by_system(self, rows: Rows, code: str) -> Rows:
        """With an account there that somebody may see: others do not narrow their list either."""
        accounts = Account.objects.visible_to(self.user).present()
        return rows.filter(Exists(accounts.filter(identity=OuterRef("pk"), system=self.systems[code])))

    def by_privileged(self, rows: Rows, said: str) -> Rows:
        """With a privileged right now, or without; of rights that somebody may see."""
        held = (
            Grant.objects.visible_to(self.user).held().privileged().filter(account__identity=OuterRef("pk"))
        )
        return rows.filter(Exists(held) if said == "yes" else ~Exists(held))

    def by_environment(self, rows: Rows, words: str) -> Rows:
        """As it stands on the page of a machine; `unknown` for those where nobody said."""
        return rows.filter(environment="" if words == UNKNOWN else words)

    def by_owner(self, rows: Rows, words: str) -> Rows:
        """By name, address, number or key of the owner."""
        return rows.filter(owner__in=Identity.objects.human().filter(people_called(words)).values("pk"))

    def by_no_owner(self, rows: Rows, _said: bool) -> Rows:
        """Machines that nobody answers for."""
        unowned: Rows = cast("IdentityQuerySet", rows).unowned()
        return unowned

    def by_can_act(self, rows: Rows, _said: bool) -> Rows:
        """With an account that is there and not known to be switched off."""
        usable = Account.objects.usable(moment.now()).filter(identity=OuterRef("pk"))
        return rows.filter(Exists(usable))

    def by_application(self, rows: Rows, words: str) -> Rows:
        """By name or key."""
        key = key_of(words)
        return (
            rows.filter(application=key)
            if key
            else rows.filter(application__in=Application.objects.filter(name__containing=words).values("pk"))
        )

    def by_findings(self, rows: Rows, said: str) -> Rows:
        """With open findings, or without."""
        rows = rows.filter(open_findings__gt=0) if said == "yes" else rows.filter(open_findings=0)
        return rows if self.user.may(Perm.INVENTORY_VIEW) else rows.exclude(kind=Identity.Kind.HUMAN)


def sees_findings(user: User) -> bool:
    """Whoever sees the inventory, and owners of their own; who only sees who people are sees none."""
    return user.may(Perm.INVENTORY_VIEW) or not user.may(Perm.PERSON_VIEW)


class SystemFilter(ListFilter):
    """Of systems."""

    first = ("q", "environment", "owner", "no_owner", "gateway")
    q = words_of(_("Search"), _("code, name or host"))
    environment = choice(_("Environment"), System.Environment.choices)
    owner = words_of(_("Owner"), _("name or address"))
    no_owner = tick(_("Nobody answers"))
    gateway = tick(_("Gateways"))

    def by_q(self, rows: Rows, words: str) -> Rows:
        """Code, name, or the name of one of its machines."""
        return rows.filter(
            Q(code__containing=words) | Q(name__containing=words) | Q(hosts__contains=[words.lower()])
        )

    def by_environment(self, rows: Rows, said: str) -> Rows:
        """Where it stands."""
        return rows.filter(environment=said)

    def by_owner(self, rows: Rows, words: str) -> Rows:
        """By name, address, number or key of the owner."""
        return rows.filter(owner__in=Identity.objects.human().filter(people_called(words)).values("pk"))

    def by_no_owner(self, rows: Rows, _said: bool) -> Rows:
        """No owner, or one who has left."""
        return rows.filter(Q(owner=None) | Q(owner__status=Identity.Status.LEFT))

    def by_gateway(self, rows: Rows, _said: bool) -> Rows:
        """Through which others are entered."""
        return rows.filter(is_gateway=True)
