"""Where the organisation stands: five numbers, people beside machines, and the standing privilege meter."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.forms.filters import UNKNOWN
from accounts.models import System
from accounts.models.meter import By, Quarter, Reading, meter
from accounts.views.identities import me
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.models import Campaign
from reviews.models import posture as facts
from reviews.models.posture import Sides

TREND = 6  # quarters
LARGEST = 10
HOUR: Final = 3600
DIVISIONS: tuple[By, ...] = ("right", "system", "owner", "kind")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its rows behind it."""

    label: str
    count: str
    url: str
    sides: tuple[tuple[str, int, str], ...] = ()  # words, how many, where
    remark: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One measure of people and of machines."""

    label: str
    people: str | None
    machines: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where standing hours come from."""

    label: str
    url: str
    grants: int
    standing: int  # hours
    used: int
    unused: int
    use_unknown: int


@require_GET
def posture(request: HttpRequest) -> HttpResponse:
    """The first page of whoever answers for all of it."""
    require(request.user, Perm.INVENTORY_VIEW)
    user, at = me(request), moment.now()
    quarters = [Quarter.of(at).later(-back) for back in range(TREND)]
    quarter = _chosen(request.GET.get("quarter", ""), quarters)
    by = _division(request.GET.get("by", ""))
    systems = list(System.objects.visible_to(user).values_list("pk", flat=True))
    largest = meter([quarter], now=at, by=by, systems=systems, most=LARGEST)
    trend = meter(quarters, now=at, systems=systems)
    context = {
        "figures": _figures(user, at),
        "parity": _parity(user, at),
        "campaigns": _running(user),
        "trend": [_hours(reading) for reading in trend],
        "quarter": quarter,
        "quarters": quarters,
        "sources": [_source(one, by) for one in largest],
        "by": by,
        "divisions": _division_words(),
    }
    return page(request, "reviews/posture.html", context)


def _chosen(said: str, quarters: list[Quarter]) -> Quarter:
    """`2026-3`, if it is one of them; anything else is the running quarter."""
    return next((one for one in quarters if f"{one.year}-{one.number}" == said), quarters[0])


def _division(said: str) -> By:
    return next((one for one in DIVISIONS if one == said), "right")


def _division_words() -> list[tuple[By, str]]:
    return [("right", _("right")), ("system", _("system")), ("owner", _("owner")), ("kind", _("kind"))]


def _address(name: str, **said: str) -> str:
    return f"{reverse(name)}?{urlencode(said)}" if said else reverse(name)


def _split(sides: Sides, url: str, field: str, **names: str) -> tuple[tuple[str, int, str], ...]:
    """People and machines, each with its own rows."""
    joint = "&" if "?" in url else "?"
    parts = (
        ("people", ngettext("person", "people", sides.people), sides.people),
        ("machines", ngettext("machine", "machines", sides.machines), sides.machines),
    )
    found = [
        (words, count, f"{url}{joint}{urlencode({field: names.get(code, code)})}")
        for code, words, count in parts
    ]
    if sides.nobody:
        found.append((_("of nobody known"), sides.nobody, f"{url}{joint}{urlencode({field: 'nobody'})}"))
    return tuple(found)


def _figures(user: User, at: datetime) -> list[Figure]:
    standing, waiting = facts.always_on(user, at), facts.unproven(user)
    rights = _address("grant_list", stands="standing")
    unused = _address("grant_list", stands="standing", unused_before=f"{at - facts.UNUSED:%Y-%m-%d}")
    unknown = _address("grant_list", stands="standing", use=UNKNOWN)
    # Whoever does not watch over removals sees none of them, and none is not what there is.
    watches = allowed(user, Perm.REVOCATION_VIEW)
    oldest = _("oldest from %(day)s") % {"day": f"{waiting.oldest:%d %b %Y}"} if waiting.oldest else ""
    left = facts.leavers_able_to_act(user, at)
    leavers = _address("identity_list", status="left", can_act="on")
    outside, seen = facts.without_grant(user)
    full, machines = facts.fully_known(user)
    return [
        Figure(
            _("privileged rights that are always on"),
            f"{standing.rights.all:,}",
            rights,
            (
                *_split(standing.rights, rights, "of"),
                (_("unused for 90 days"), standing.unused, unused),
                (_("use unknown"), standing.use_unknown, unknown),
            ),
        ),
        Figure(
            _("decided, and not proven gone"),
            f"{waiting.rights.all:,}" if watches else "–",
            _address("revocation_list", state="unproven") if watches else "",
            remark=oldest if watches else _("for those who watch over removals"),
            is_bad=watches and bool(waiting.rights.all),
        ),
        Figure(
            _("who left and can still act"),
            f"{left.all:,}",
            leavers,
            _split(left, leavers, "kind", people="human"),
            is_bad=bool(left.all),
        ),
        Figure(
            _("machine identities fully known"),
            f"{full:,}",
            reverse("coverage"),
            remark=_("of %(all)s: owner, deputy, purpose, consumer, key age, last use")
            % {"all": f"{machines:,}"},
        ),
        Figure(
            _("privileged sessions without a grant in force"),
            f"{outside.all:,}",
            _address("session_list", match="no_grant"),
            remark=_("of %(all)s seen") % {"all": f"{seen:,}"},
            is_bad=bool(outside.all),
        ),
    ]


def _parity(user: User, at: datetime) -> list[Side]:
    people, machines = (facts.parity(user, at, people=one) for one in (True, False))
    percent = "{} %".format
    days = _("{} days").format

    def side(label: str, meaning: str, name: str, words: Any = str) -> Side:
        values = (getattr(one, name) for one in (people, machines))
        left, right = (None if value is None else words(value) for value in values)
        return Side(label, left, right, meaning)

    return [
        side(_("In inventory"), _("active identities"), "inventory", "{:,}".format),
        side(
            _("Reviewed in cadence"),
            _("of those who hold a right, in the last six months"),
            "reviewed",
            percent,
        ),
        side(_("Unused privilege"), _("of always-on rights whose last use is known"), "unused", percent),
        side(_("Credential age"), _("average since it was made or rotated"), "key_days", days),
        side(_("Findings"), _("open, for each hundred identities"), "findings"),
    ]


def _running(user: User) -> list[Campaign]:
    found = Campaign.objects.visible_to(user).running().newest_first()
    for campaign in (shown := list(found[:3])):
        campaign.totals = campaign.assignments.all().totals()  # type: ignore[attr-defined]  # for the template
    return shown


def _hours(reading: Reading) -> dict[str, Any]:
    return {
        "quarter": str(reading.quarter),
        "standing": reading.standing // HOUR,
        "eligible": reading.eligible // HOUR,
        "time_boxed": reading.time_boxed // HOUR,
        "used": reading.used // HOUR,
        "use_unknown": reading.use_unknown // HOUR,
        "grants": reading.grants,
    }


def _source(reading: Reading, by: By) -> Source:
    words = {"people": _("people"), "machines": _("machines"), "": _("nobody known")}
    label = words.get(reading.key, reading.label) if by == "kind" else reading.label or _("nobody answers")
    asked = {
        "right": {"right": reading.key},
        "system": {"system": reading.label},
        "owner": {"who": reading.key},
        "kind": {"of": reading.key or "nobody"},
    }[by]
    url = "" if by == "owner" else _address("grant_list", stands="standing", **asked)
    if by == "owner" and reading.key:
        url = reverse("identity", args=[reading.key])
    return Source(
        label,
        url,
        reading.grants,
        reading.standing // HOUR,
        reading.used // HOUR,
        reading.unused // HOUR,
        reading.use_unknown // HOUR,
    )
