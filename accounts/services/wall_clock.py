"""From what a clock on a wall shows to the instant it means: some hours never come, some come twice."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

FIRST, SECOND = "first", "second"
WRITTEN = "%Y-%m-%dT%H:%M"  # as a case keeps what HR said


@cache
def zones() -> tuple[str, ...]:
    """The IANA zones people know by a place, and UTC; aliases such as `EST` stay away."""
    places = {
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "System"))
    }
    return ("UTC", *sorted(places))


def instants(local: datetime, zone: str) -> list[datetime]:
    """The UTC instants at which a clock in `zone` shows the naive `local`: none, one or two, in order."""
    place = _place(zone)
    readings = [local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = local.replace(fold=0)
    return sorted({at for at in readings if at.astimezone(place).replace(tzinfo=None, fold=0) == shown})


def instant(local: datetime, zone: str, *, which: str = "") -> datetime:
    """The one instant meant; `which` says `first` or `second` of an hour that comes twice.

    Raises ValidationError with the code `nonexistent` or `ambiguous`, in words that say what to do.
    """
    found = instants(local, zone)
    if len(found) == 1:
        return found[0]
    place = _place(zone)
    names = {"local": f"{local:%H:%M}", "day": date_format(local, "j M Y", use_l10n=False), "zone": zone}
    if not found:
        before, after = sorted(
            local.replace(tzinfo=place, fold=fold).astimezone(UTC).astimezone(place) for fold in (1, 0)
        )
        raise ValidationError(
            _(
                "There is no %(local)s on %(day)s in %(zone)s: clocks are put forward over it. "
                "Say %(before)s or %(after)s."
            )
            % {**names, "before": f"{before:%H:%M}", "after": f"{after:%H:%M}"},
            code="nonexistent",
        )
    if which not in (FIRST, SECOND):
        raise ValidationError(
            _(
                "%(local)s comes twice on %(day)s in %(zone)s, because clocks are put back: at %(first)s "
                "and again at %(second)s UTC. Choose which one you mean."
            )
            % {**names, "first": f"{found[0]:%H:%M}", "second": f"{found[1]:%H:%M}"},
            code="ambiguous",
        )
    return found[0] if which == FIRST else found[1]


def _place(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(
            _("“%(zone)s” is no time zone; say one such as Europe/Berlin.") % {"zone": zone}, code="zone"
        ) from None
