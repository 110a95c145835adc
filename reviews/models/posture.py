"""Where the organisation stands: the first five numbers, people beside machines, each of rows one can open.

Nothing is counted for somebody that they may not see. Unknown is counted apart and never as good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Exists, F, Min, OuterRef, Q
from django.db.models.functions import Coalesce, Extract, Now

from accounts.models import Account, Credential, Grant, Identity, Revocation, coverage
from accounts.models.identity import IdentityQuerySet
from portal.users.models import User
from reviews.models.campaign import ReviewItem
from reviews.models.finding import Finding
from sessions_app.models import Session

UNUSED = timedelta(days=90)
CADENCE = timedelta(days=183)  # PCI DSS 7.2.4: at least every six months
HUMAN = Identity.Kind.HUMAN


@dataclass(frozen=True, slots=True)
class Sides:
    """A count of people and of machines; `nobody` is of accounts that belong to nobody known."""

    people: int
    machines: int
    nobody: int = 0

    @property
    def all(self) -> int:
        """Of everybody."""
        return self.people + self.machines + self.nobody


@dataclass(frozen=True, slots=True)
class AlwaysOn:
    """Privileged rights that stand: how many were unused, and of how many nobody knows."""

    rights: Sides
    unused: int
    use_unknown: int


@dataclass(frozen=True, slots=True)
class Unproven:
    """Decided to go and not proven gone; `oldest` is when the longest waiting one was decided."""

    rights: Sides
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Parity:
    """One side of the comparison; None where there is nothing to measure."""

    inventory: int
    reviewed: int | None  # percent of those who hold something, decided about within the cadence
    unused: int | None  # percent of always-on privileged rights whose last use is known
    key_days: int | None  # average age of what proves them
    findings: int | None  # for each hundred


def always_on(user: User, at: datetime) -> AlwaysOn:
    """Privileged, usable now without a fresh approval."""
    standing = Grant.objects.visible_to(user).standing()
    found = standing.aggregate(
        **_sides("account__identity"),
        unused=Count("pk", filter=Q(use__last_used_at__lt=at - UNUSED)),
        unknown=Count("pk", filter=Q(use=None)),
    )
    return AlwaysOn(_read(found), found["unused"], found["unknown"])


def unproven(user: User) -> Unproven:
    """On the way out, or back again."""
    waiting = Revocation.objects.visible_to(user).unproven()
    whose = Coalesce(
        "grant__account__identity__kind", "credential__account__identity__kind", "account__identity__kind"
    )
    found = waiting.annotate(whose=whose).aggregate(
        people=Count("pk", filter=Q(whose=HUMAN)),
        machines=Count("pk", filter=Q(whose__isnull=False) & ~Q(whose=HUMAN)),
        nobody=Count("pk", filter=Q(whose=None)),
        oldest=Min("decided_at"),
    )
    return Unproven(_read(found), found["oldest"])


def leavers_able_to_act(user: User, at: datetime) -> Sides:
    """Left or retired, with an account that is there and not known to be switched off."""
    usable = Account.objects.visible_to(user).usable(at).filter(identity=OuterRef("pk"))
    left = Identity.objects.visible_to(user).filter(Exists(usable), status=Identity.Status.LEFT)
    found = left.aggregate(
        people=Count("pk", filter=Q(kind=HUMAN)), machines=Count("pk", filter=~Q(kind=HUMAN))
    )
    return Sides(found["people"], found["machines"])


def fully_known(user: User) -> tuple[int, int]:
    """Machines of which six facts are known (`accounts.models.coverage`), and how many there are."""
    found = coverage.by_system(user).values()
    return sum(one.full for one in found), sum(one.machines for one in found)


def without_grant(user: User) -> tuple[Sides, int]:
    """Sessions in which no grant was in force, and how many were seen."""
    seen = Session.objects.visible_to(user)
    outside = Q(match__in=[Session.Match.NO_GRANT, Session.Match.GRANT_ENDED])
    found = seen.aggregate(
        people=Count("pk", filter=outside & Q(identity__kind=HUMAN)),
        machines=Count("pk", filter=outside & Q(identity__isnull=False) & ~Q(identity__kind=HUMAN)),
        nobody=Count("pk", filter=outside & Q(identity=None)),
        seen=Count("pk"),
    )
    return _read(found), found["seen"]


def parity(user: User, at: datetime, *, people: bool) -> Parity:
    """People or machines, by the same five measures."""
    identities = Identity.objects.visible_to(user).active()
    identities = identities.filter(kind=HUMAN) if people else identities.exclude(kind=HUMAN)
    whose = Q(account__identity__kind=HUMAN)
    mine = whose if people else ~whose & Q(account__identity__isnull=False)
    inventory = identities.count()
    standing = (
        Grant.objects.visible_to(user)
        .standing()
        .filter(mine, use__isnull=False)
        .aggregate(known=Count("pk"), unused=Count("pk", filter=Q(use__last_used_at__lt=at - UNUSED)))
    )
    age = Extract(Now() - F("secret_from"), "epoch")
    keys = (
        Credential.objects.visible_to(user)
        .usable()
        .filter(mine)
        .annotate(secret_from=Coalesce("rotated_at", "created_at"))
        .aggregate(seconds=Avg(age))
    )
    findings = Finding.objects.visible_to(user).open().filter(is_human=people, identity__isnull=False).count()
    return Parity(
        inventory,
        _reviewed(user, identities, at),
        coverage.percent(standing["unused"], standing["known"]),
        None if keys["seconds"] is None else round(keys["seconds"] / 86_400),
        round(findings * 100 / inventory) if inventory else None,
    )


def _reviewed(user: User, identities: IdentityQuerySet, at: datetime) -> int | None:
    """Percent of those who hold a right about whom something was decided within the cadence."""
    held = Grant.objects.visible_to(user).held().filter(account__identity=OuterRef("pk"))
    decided = ReviewItem.objects.filter(subject_id=OuterRef("pk"), decided_at__gte=at - CADENCE)
    found = identities.filter(Exists(held)).aggregate(
        all=Count("pk"), decided=Count("pk", filter=Q(Exists(decided)))
    )
    return coverage.percent(found["decided"], found["all"])


def _sides(path: str) -> dict[str, Count]:
    human = Q(**{f"{path}__kind": HUMAN})
    known = Q(**{f"{path}__isnull": False})
    return {
        "people": Count("pk", filter=human),
        "machines": Count("pk", filter=known & ~human),
        "nobody": Count("pk", filter=~known),
    }


def _read(found: dict[str, int]) -> Sides:
    return Sides(found["people"], found["machines"], found["nobody"])
