"""Who leaves: John last summer, his case is closed; Nils last week, his runs; Dana today, in secret."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import CaseLine, OffboardingCase, Revocation
from accounts.models.revocation import RevocationQuerySet
from accounts.services import case_lines, earlier_names, offboarding, revocations
from portal import moment
from portal.demo import scene
from portal.demo.calendar import Calendar

ZONE = "Europe/Stockholm"
Reason = OffboardingCase.Reason


def plan_john(calendar: Calendar) -> None:
    """He resigned; his access ends on his last day at five."""
    _plan("John Smith", Reason.RESIGNED, calendar.at(-150, "15:00"))


def plan_nils(calendar: Calendar) -> None:
    """He resigned as well, last week."""
    _plan("Nils Aaberg", Reason.RESIGNED, calendar.at(-5, "15:00"))


def plan_dana(calendar: Calendar) -> None:
    """Dismissed today at four; where that hour has come already, in three hours."""
    begun = calendar.begun_at.astimezone(ZoneInfo(ZONE))
    hour = begun.replace(hour=16, minute=0, second=0, microsecond=0)
    if hour < begun + timedelta(minutes=30):
        # Added in UTC: on the wall an hour may be missing.
        later = (calendar.begun_at + timedelta(hours=3)).astimezone(ZoneInfo(ZONE))
        hour = later.replace(minute=later.minute // 5 * 5, second=0, microsecond=0)
    _plan("Dana Kovac", Reason.DISMISSED, hour)


def begin_due(_calendar: Calendar) -> None:
    """The hour has come."""
    for case in OffboardingCase.objects.due(moment.now()):
        offboarding.begin(case, at=moment.now())


def report_johns_removals(_calendar: Calendar) -> None:
    """Those who carry out say that it is done."""
    report_done("CORE", "Aiko Mori", "OPS-3310")
    report_done("DIR", "Stefan Gruber", "OPS-3311")


def report_nils_removals(_calendar: Calendar) -> None:
    """On CORE it is done; the directory has not got round to it."""
    for revocation in _asked_on("CORE").filter(causes__kind="case"):
        revocations.report_done(
            revocation, version=revocation.version, ticket="OPS-4127", by=scene.user("Aiko Mori")
        )


def close_john(calendar: Calendar) -> None:
    """All of his is proven gone but a machine that nobody wants; compliance lives with that for a month."""
    case = OffboardingCase.objects.get(identity__name="John Smith")
    ines = scene.user("Ines Falk")
    offboarding.follow(case, at=moment.now())
    for line in case.lines.filter(kind="machine").exclude(state=CaseLine.State.DONE):
        case_lines.except_line(
            line,
            because="The weekly reports depend on it. Finance names an owner by the end of the quarter.",
            until=calendar.day(-110),
            version=line.version,
            by=ines,
        )
    case.refresh_from_db()
    offboarding.close(case, version=case.version, actor=scene.user("Ruth Oyelaran").actor)


def follow_running(_calendar: Calendar) -> None:
    """What the readings of the night proved."""
    for case in OffboardingCase.objects.filter(state=OffboardingCase.State.RUNNING):
        offboarding.follow(case, at=moment.now())


def seal_alex(_calendar: Calendar) -> None:
    """HR sent the new name; the earlier one is nobody's business any more."""
    alex = scene.identity("Alex Berg")
    earlier_names.seal(alex, version=alex.version, actor=scene.user("Ruth Oyelaran").actor)


def report_done(code: str, by: str, ticket: str) -> None:
    """Everything that was asked for on a system."""
    carrier = scene.user(by)
    for revocation in _asked_on(code):
        revocations.report_done(revocation, version=revocation.version, ticket=ticket, by=carrier)


def _asked_on(code: str) -> RevocationQuerySet:
    return Revocation.objects.to_carry_out().filter(system__code=code).order_by("pk")


def _plan(name: str, reason: OffboardingCase.Reason, hour: datetime) -> None:
    local = hour.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None, fold=0)
    offboarding.schedule(
        scene.identity(name),
        reason=reason,
        local_time=local,
        zone=ZONE,
        which="first",
        actor=scene.user("Ruth Oyelaran").actor,
    )
