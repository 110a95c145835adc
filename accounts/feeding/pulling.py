"""Pulls: the portal reads a system itself, with a secret from the environment, and what it read is received.

The network is read outside any transaction. One worker at a time reads a source; one that dies is forgotten
after a while.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.connectors.records import Unreadable
from accounts.feeding import environment
from accounts.feeding.receiving import keep
from accounts.models import ImportRun, Source
from accounts.pulls import PULLS
from accounts.pulls.pull import Limits, PullRefused, Reach, Request, Taken
from portal import moment
from portal.audit.services import PORTAL
from portal.vault.sealed import SealedFile

LONGEST = timedelta(minutes=15)  # of one reading
FORGOTTEN_AFTER = timedelta(minutes=30)
TRIAL = Limits(seconds=20, timeout=8, attempts=1, is_trial=True)


def reach() -> Reach:
    """Where pulls may go."""
    hosts = frozenset(host.lower() for host in settings.PORTAL_PULL_HOSTS)
    return Reach(hosts, allows_http=settings.DEBUG or settings.TESTING)


def pull(key: UUID) -> UUID | None:
    """Read a source now; the reading that waits to be previewed, or None with the trouble on the source."""
    at = moment.now()
    if not _claim(key, at):
        return None
    source = Source.objects.select_related("system").get(pk=key)
    run, trouble = None, _("The reading broke off. The portal’s log says more.")
    try:
        run, trouble = _received(source, at), ""
    except (PullRefused, Unreadable) as refusal:
        trouble = str(refusal)
    finally:
        Source.objects.filter(pk=key).update(pull_begun_at=None, pull_trouble=trouble[:1000])
    return run.pk if run else None


def try_pull(source: Source) -> Taken:
    """Ask for the first pages and keep nothing; raises PullRefused."""
    return _read(source, TRIAL, None)


def _claim(key: UUID, at: datetime) -> bool:
    """Whether this worker is the one that reads it now."""
    is_free = Q(pull_begun_at=None) | Q(pull_begun_at__lte=at - FORGOTTEN_AFTER)
    waiting = Source.objects.filter(is_free, pk=key, pull__has_key="kind")
    return bool(waiting.update(pull_begun_at=at, pull_tried_at=at))


def _received(source: Source, at: datetime) -> ImportRun:
    with SealedFile() as file:
        taken = _read(source, Limits(seconds=LONGEST.total_seconds()), file)
        file.seek(0)
        return keep(
            source,
            file,
            file_name=taken.file_name,
            provenance=ImportRun.Provenance.PULLED,
            actor=PORTAL,
            by_id=None,
            at=moment.now(),
            taken_at=at,  # when it began: what is younger may be in it or not
            filter_text=taken.filter_text,
            source_count=taken.source_count,
        )


def _read(source: Source, limits: Limits, file: SealedFile | None) -> Taken:
    way = PULLS.get(source.connector)
    if way is None or not source.is_pulled:
        raise PullRefused("no_pull", _("Nothing is set up to be read here."))
    request = Request(
        settings={name: str(source.pull.get(name, "")) for name in way.fields},
        secrets=environment.secrets(environment.PULL, source, way.secrets),
        reach=reach(),
        limits=Limits(
            size=min(way.size, settings.PORTAL_UPLOAD_LIMIT),
            seconds=limits.seconds,
            timeout=limits.timeout,
            attempts=limits.attempts,
            is_trial=limits.is_trial,
        ),
        prefix=environment.prefix(environment.PULL, source),
    )
    return way.read(request, file.write if file is not None else len)
