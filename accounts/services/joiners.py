"""What people make of an HR reading: a missing row that is no leaver, many movers that ask for a review."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ImportRun, PersonChange
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.users.models import User

# More movers than this in one reading propose one campaign, for so long.
MANY_MOVERS = 25
PROPOSED_FOR = timedelta(days=60)
# More than this in a day are looked at together before anybody is offboarded.
DAY = timedelta(days=1)
MANY_LEAVERS, MANY_PERCENT = 5, 1


@dataclass(frozen=True, slots=True)
class Wave:
    """A reading that moved so many people that their access should be looked at together."""

    run: ImportRun
    movers: int


def waves() -> list[Wave]:
    """Readings with many movers, the newest first."""
    since = moment.now() - PROPOSED_FOR
    found = PersonChange.objects.all().waves(since=since, more_than=MANY_MOVERS)
    runs = ImportRun.objects.select_related("source").in_bulk([run for run, _source, _movers in found])
    return [Wave(runs[run], movers) for run, _source, movers in found]


def is_many(leavers: int, people: int) -> bool:
    """Whether so many are more than a day usually has; a handful is no share of anything."""
    return leavers > MANY_LEAVERS or (leavers == MANY_LEAVERS and leavers * 100 > MANY_PERCENT * people)


@transaction.atomic
def dismiss(key: UUID, *, because: str, by: User) -> PersonChange:
    """Somebody says that the missing row is no leaver; nothing else follows from it."""
    because, at = because.strip(), moment.now()
    if not because:
        raise ValidationError(_("Say why the missing row is no leaver."))
    waiting = PersonChange.objects.filter(pk=key, is_proposed=True, dismissed_at=None)
    if not waiting.update(dismissed_at=at, dismissed_by_id=by.pk, dismissed_because=because):
        raise ValidationError(_("Somebody has answered this already. Open the page again."))
    change = PersonChange.objects.select_related("identity").get(pk=key)
    facts = {
        "identity": change.identity_id,
        "identity_card": change.identity.card if change.identity else None,
        "run": change.run_id,
        "because": because,
    }
    record(Verb.LEAVER_DECLINED, change, actor=by.actor, at=at, facts=facts)
    return change
