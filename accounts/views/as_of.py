"""Who had what on any past day, by what is known today or was known then."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import Max, Min, Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.forms.as_of import AsOfForm
from accounts.forms.filters import key_of, number_of, people_called
from accounts.models import Account, Entitlement, Grant, Identity, ImportRun, System
from accounts.models.account import AccountQuerySet
from accounts.models.effective import Moment, Place, Right, first, follow
from accounts.models.entitlement import GrantQuerySet
from accounts.models.held_rights import COLUMNS, cells, named
from accounts.models.listing import has_words
from accounts.services import exporting
from portal import exports, moment
from portal.ui.render import page
from portal.users.models import User
from portal.users.permissions import Perm

PER_PAGE = 50
MOST_RIGHTS = 500  # that one search for a right may mean
FEW = 1_000  # accounts


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks: the moment, and of whose and which rights."""

    moment: Moment
    grants: GrantQuerySet
    rights: list[int] | None
    # What was chosen by its key, by the name of the field: it stands on the page by its name.
    chosen: dict[str, Any]
    system: System | None
    # Whoever sees only what they answer for sees rows that lie far apart.
    is_scattered: bool

    def answer(self, after: Place | None = None) -> Iterator[Right]:
        """Every right that fits."""
        return follow(
            self.grants, self.moment, rights=self.rights, after=after, is_scattered=self.is_scattered
        )


@require_safe
def as_of(request: HttpRequest) -> HttpResponseBase:
    """One page of the answer, or all of it as a file."""
    user, form = cast(User, request.user), AsOfForm(request.GET)
    asked = _asked(form, user) if form.is_valid() else None
    context: dict[str, Any] = {
        "form": form,
        "systems": System.objects.visible_to(user).by_code(),
        "at_on_the_wall": form.on_the_wall("at"),
        "known_on_the_wall": form.on_the_wall("known_at"),
        "zone": form.cleaned_data.get("zone") or request.GET.get("zone", ""),
    }
    if asked is not None and not form.errors:
        if request.GET.get("export") in exports.FORMATS:
            return _file(asked, form, request.GET["export"], user)
        context |= _rows(asked, form, request, user)
        if form.cleaned_data["known_at"] and not form.cleaned_data["at"]:
            context["at_on_the_wall"] = context["known_on_the_wall"]
    return page(request, "accounts/as_of.html", context, fragment="accounts/_as_of_rows.html")


def _rows(asked: Asked, form: AsOfForm, request: HttpRequest, user: User) -> dict[str, Any]:
    readings = _readings(asked)
    is_before = readings["first"] is None or asked.moment.at < readings["first"]  # type: ignore[operator]
    found, has_more = [], False
    if not is_before or form.cleaned_data["perhaps"]:
        rights, has_more = first(PER_PAGE, asked.answer(place_of(request.GET.get("after", ""))))
        found = list(named(rights))
    return {
        "asked": asked,
        "at": asked.moment.at,
        "known_at": asked.moment.known_at,
        "lines": found,
        "after": words_of(found[-1].right) if has_more else "",
        "linked": linked({line.account.identity_id for line in found}, user),
        "readings": readings,
        "is_before": is_before,
        "is_filtered": bool(asked.chosen) or any(form.cleaned_data[name] for name in ("system", *FIELDS)),
    }


def _file(asked: Asked, form: AsOfForm, kind: str, user: User) -> HttpResponseBase:
    """All rows, written while they are read; both moments stand in each: the file speaks for itself."""
    at, known_at = asked.moment
    assert at is not None  # noqa: S101 - `_asked` puts the present there
    moments = [at.replace(microsecond=0), known_at]
    rows = ([*moments, *cells(line)] for line in named(asked.answer()))
    query = {name: form.data[name] for name in form.fields if form.data.get(name)} | {"at": at.isoformat()}
    told = exporting.told("as_of", form=kind, query=query, by=user)
    name = f"who-had-what-{at:%Y-%m-%dT%H-%MZ}"
    return exports.write(kind, name, ("at", "known_at", *COLUMNS), rows, tell=told)


# --- what is asked ---------------------------------------------------------------------------------------


def _asked(form: AsOfForm, user: User) -> Asked | None:
    given = form.cleaned_data
    at = given["at"] or given["known_at"] or moment.now()
    grants, system = Grant.objects.visible_to(user), None
    chosen: dict[str, Any] = {}
    if given["system"]:
        system = System.objects.visible_to(user).filter(code=given["system"]).first()
        grants = grants.filter(system=system) if system else grants.none()
    for name, understood in FIELDS.items():
        if words := given[name]:
            condition, meant = understood(words, user)
            grants = grants.filter(condition)
            if meant is not None:
                chosen[name] = meant
    rights = None
    if given["right"]:
        rights, right = _rights(given["right"], user)
        if right is not None:
            chosen["right"] = right
        if len(rights) > MOST_RIGHTS:
            form.add_error("right", _("Many rights are called like that. Say more of the name."))
            return None
    is_scattered = not user.may(Perm.INVENTORY_VIEW)
    return Asked(Moment(at, given["known_at"]), grants, rights, chosen, system, is_scattered)


def _identity(words: str, user: User) -> tuple[Q, Identity | None]:
    visible = Identity.objects.visible_to(user)
    if (key := key_of(words)) is not None:
        return Q(account__identity=key), visible.filter(pk=key).first()
    fitting = visible.filter(people_called(words)).values("pk")
    return _of(Account.objects.filter(identity__in=fitting)), None


def _account(words: str, user: User) -> tuple[Q, Account | None]:
    if (key := number_of(words)) is not None:  # as links of the portal write it
        meant = Account.objects.visible_to(user).select_related("system").filter(pk=key).first()
        if meant is not None:
            return Q(account=meant), meant
    called = has_words("name", words) | has_words("display_name", words) | has_words("email", words)
    return _of(Account.objects.filter(called)), None


def _of(accounts: AccountQuerySet) -> Q:
    """Their grants. Few are named one by one: of a condition the database does not know how few fit."""
    keys = list(accounts.values_list("pk", flat=True)[: FEW + 1])
    return Q(account__in=keys if len(keys) <= FEW else accounts.values("pk"))


FIELDS = {"identity": _identity, "account": _account}


def _rights(words: str, user: User) -> tuple[list[int], Entitlement | None]:
    """Keys of the rights meant. They are named only to whoever sees the inventory; others see their rows."""
    if (key := number_of(words)) is not None and (meant := Entitlement.objects.filter(pk=key).first()):
        return [meant.pk], meant if user.may(Perm.INVENTORY_VIEW) else None
    called = has_words("name", words) | has_words("plain_words", words)
    found = Entitlement.objects.filter(called).values_list("pk", flat=True)
    return list(found[: MOST_RIGHTS + 1]), None


def _readings(asked: Asked) -> dict[str, datetime | None]:
    """When rights were first read, and last before the moment, as far as that was known."""
    runs = ImportRun.objects.applied().filter(covers__contains=["grant"], source__system__isnull=False)
    if asked.system is not None:
        runs = runs.filter(source__system=asked.system)
    if asked.moment.known_at is not None:
        runs = runs.filter(applied_at__lte=asked.moment.known_at)
    taken = runs.annotate(taken=Coalesce("taken_at", "received_at"))
    return taken.aggregate(first=Min("taken"), last=Max("taken", filter=Q(taken__lte=asked.moment.at)))


def linked(identities: set[UUID | None], user: User) -> set[UUID]:
    """Of these identities those whose page this person may open."""
    keys = {key for key in identities if key is not None}
    if not keys or user.may(Perm.PERSON_VIEW):
        return keys
    return set(Identity.objects.visible_to(user).filter(pk__in=keys).values_list("pk", flat=True))


# --- places between pages, and addresses -----------------------------------------------------------------


def words_of(right: Right) -> str:
    """A place as an address holds it."""
    return f"{right.account_id}.{right.grant_id}.{'-'.join(map(str, right.way))}"


def place_of(words: str) -> Place | None:
    """The place that an address names; nonsense is the beginning."""
    parts = words.split(".")
    numbers = [*parts[:2], *parts[-1].split("-")]
    if len(parts) != 3 or not all(number.isdecimal() and len(number) < 19 for number in numbers):
        return None
    account, grant, *way = map(int, numbers)
    return Place(account, grant, tuple(way))
