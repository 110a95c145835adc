"""Verbs about feeds: how a source's readings come without hands, and who is told when one does not come."""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import feeding
from accounts.feeding import environment
from accounts.feeding.pulling import FORGOTTEN_AFTER, reach
from accounts.models import ImportRun, Source
from accounts.pulls import PULLS
from accounts.pulls.pull import PullRefused, Taken
from accounts.services import imports
from accounts.tasks.feeds import pull_source, take_from_inbox
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.outbox import services as outbox
from portal.tasks.jobs import enqueue_unless_waiting
from portal.users import services as users
from portal.users.models import Token, TokenQuerySet, User
from portal.users.roles import Role

logger = logging.getLogger(__name__)

SCOPE = "import"  # of tokens; each is bound to its sources: `import:<key>`
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
LONGEST_HOURS = 24 * 366
AGAIN_AFTER = timedelta(hours=1)  # where the last try brought nothing
GRACE = timedelta(hours=1)  # for a reading that is a little late, or a quarter of the rhythm if that is more


@transaction.atomic
def edit(
    source: Source,
    *,
    every_hours: int | None,
    inbox: str,
    pull: Mapping[str, str] | None,
    applies_by_itself: bool,
    version: int | None,
    by: User,
) -> Source:
    """How readings of a source come: how often, from which folder, pulled with which settings, applied how.

    `inbox` is also its name in the environment, where its secrets stand. `pull` None: it is not pulled.
    """
    if every_hours is not None and not 1 <= every_hours <= LONGEST_HOURS:
        raise ValidationError({"every_hours": _("Say a number of hours, a year at most.")})
    _check_name(source, inbox, is_needed=pull is not None)
    wanted: dict[str, Any] = dict(_checked(source, pull)) if pull is not None else {}
    if applies_by_itself:
        wanted["apply"] = "auto"
    values: dict[str, Any] = {"every_hours": every_hours, "inbox": inbox, "pull": wanted}
    changes = {name: value for name, value in values.items() if value != getattr(source, name)}
    if not changes:
        return source
    told: dict[str, Any] = {"pull_trouble": ""} if "pull" in changes else {}
    change(source, version, **changes, **told)
    record(Verb.SOURCE_EDITED, source, actor=by.actor, facts={"fields": sorted(changes), **values})
    return source


def try_it(source: Source) -> Taken:
    """Read the first pages as they are set up, and keep nothing; raises ValidationError with what to do."""
    try:
        return feeding.try_pull(source)
    except PullRefused as refusal:
        raise ValidationError(str(refusal), code=refusal.code) from refusal


def read_now(source: Source) -> None:
    """Have a source read that is set up for it, without waiting for its hour."""
    if not source.is_pulled:
        raise ValidationError(_("Nothing is set up to be read here."), code="no_pull")
    enqueue_unless_waiting(pull_source, str(source.pk))


@transaction.atomic
def issue_token(source: Source, machine: User, *, label: str, days: int, by: User) -> tuple[Token, str]:
    """A token that delivers readings of this source and of no other; its secret is shown once."""
    return users.issue_token(machine, label=label, scopes=[f"{SCOPE}:{source.pk}"], days=days, by=by)


def tokens_of(source: Source) -> TokenQuerySet:
    """The tokens that may deliver readings of a source, the newest first."""
    bound = Token.objects.filter(scopes__contains=[f"{SCOPE}:{source.pk}"])
    return bound.select_related("user").order_by("-issued_at")


def sources_of(token: Token) -> models.QuerySet[Source]:
    """The sources that a token may deliver readings of; one that is bound to none delivers nothing."""
    return Source.objects.select_related("system").filter(pk__in=token.bound_to(SCOPE))


def folder_of(source: Source) -> str:
    """Where its files are laid, if there is an inbox and it has a name for machines."""
    return str(Path(settings.PORTAL_INBOX) / source.inbox) if settings.PORTAL_INBOX and source.inbox else ""


def secrets_of(source: Source) -> list[tuple[str, bool]]:
    """The names in the environment that reading it needs or knows, and whether each is set."""
    way = PULLS.get(source.connector)
    if way is None or not source.inbox:
        return []
    there = environment.secrets(environment.PULL, source, way.secrets)
    return [(environment.prefix(environment.PULL, source) + name, name in there) for name in way.secrets]


def signature_of(source: Source) -> tuple[str, bool] | None:
    """The name of the secret that its system signs with, and whether it is set: then everything is signed."""
    if not source.inbox:
        return None
    return environment.prefix(environment.PUSH, source) + "SECRET", feeding.is_expected(source)


def look_into_inboxes(at: datetime) -> int:
    """Have files taken where some lie; how many folders have some."""
    if not settings.PORTAL_INBOX:
        return 0
    found = [source for source in Source.objects.exclude(inbox="") if feeding.waits(source, at)]
    for source in found:
        enqueue_unless_waiting(take_from_inbox, str(source.pk))
    return len(found)


def empty_inboxes(at: datetime) -> None:
    """Delete what was put away too long ago; the log says from which folders, and how much."""
    if not (settings.PORTAL_INBOX and settings.PORTAL_INBOX_KEEP_DAYS):
        return
    before = at - timedelta(days=settings.PORTAL_INBOX_KEEP_DAYS)
    for source in Source.objects.exclude(inbox="").order_by("pk"):
        try:
            with transaction.atomic():
                gone = feeding.empty(source, before=before)
                if any(gone.values()):
                    record(Verb.INBOX_EMPTIED, source, actor=PORTAL, at=at, facts={**gone, "before": before})
        except OSError as error:
            logger.warning("the inbox folder %s can't be emptied: %s", source.inbox, error.strerror)


def pull_due(at: datetime) -> int:
    """Have every source read whose hour has come; one that brought nothing is tried again sooner."""
    idle = Q(pull_begun_at=None) | Q(pull_begun_at__lte=at - FORGOTTEN_AFTER)
    due = [
        source
        for source in Source.objects.expected().filter(idle, pull__has_key="kind")
        if source.pull_tried_at is None or source.pull_tried_at + _pause(source) <= at
    ]
    for source in due:
        enqueue_unless_waiting(pull_source, str(source.pk))
    return len(due)


def apply_ready() -> int:
    """Apply what came from feeds that may be applied without hands and that raises no question."""
    ready = ImportRun.objects.filter(
        state=ImportRun.State.PREVIEWED,
        source__pull__apply="auto",
        source__released_at__isnull=False,
        is_complete=True,
        rejected=0,
        taken_at__isnull=False,
    ).exclude(provenance=ImportRun.Provenance.UPLOADED)
    applied = 0
    for run in ready.select_related("source__system").order_by("id"):
        if not _raises_question(run):
            with suppress(ValidationError, Conflict):  # one that has to wait holds up no other
                imports.apply(run, version=run.version, by=None)
                applied += 1
    return applied


def warn_of_missed(at: datetime) -> int:
    """Tell the owners of systems whose feeds did not come, once; how many were missed just now."""
    missed = 0
    for source in (
        Source.objects.expected().with_last_came().select_related("system__owner", "system__deputy")
    ):
        is_late = at >= _due_at(source)
        if is_late and source.missed_at is None:
            missed += _miss(source, at)
        elif not is_late and source.missed_at is not None:
            Source.objects.filter(pk=source.pk).update(missed_at=None)
    return missed


def _raises_question(run: ImportRun) -> bool:
    """Whether a person has to look. That the record changed since a preview is none: nobody had looked."""
    asked = [one for one in run.preview.get("warnings", ()) if one["code"] != "record_changed"]
    return bool(asked or run.preview.get("fuse") or run.preview.get("refusals"))


def _due_at(source: Any) -> datetime:
    """When a reading counts as missed. `source` comes from `with_last_came`."""
    rhythm = timedelta(hours=source.every_hours)
    due: datetime = (source.last_came_at or source.created_at) + rhythm + max(GRACE, rhythm / 4)
    return due


@transaction.atomic
def _miss(source: Any, at: datetime) -> bool:
    if not Source.objects.filter(pk=source.pk, missed_at=None).update(missed_at=at):
        return False
    facts = {
        "system": source.system_id,
        "every_hours": source.every_hours,
        "last_came_at": source.last_came_at,
    }
    record(Verb.SOURCE_MISSED, source, actor=PORTAL, at=at, facts=facts)
    came = source.last_came_at
    body = _(
        "A reading of %(system)s is missing: one is expected every %(hours)d hours, and the last came "
        "%(last)s. Until it comes, nothing that was removed there can be proved gone, and a campaign says "
        "so.\n\n%(link)s\n"
    ) % {
        "system": source.system.code if source.system else _("the people from HR"),
        "hours": source.every_hours,
        "last": f"{came:%Y-%m-%d %H:%M} UTC" if came else _("never"),
        "link": settings.BASE_URL + reverse("source", args=[source.pk]),
    }
    subject = _("A reading of %(system)s is missing") % {
        "system": source.system.code if source.system else _("HR")
    }
    for address in _to_tell(source):
        with suppress(ValidationError):  # an address in the inventory may be none
            outbox.post(
                f"feed-missed:{source.pk}:{at:%Y%m%dT%H%M%S}:{address}"[:200],
                to=address,
                subject=subject,
                body=body,
            )
    return True


def _to_tell(source: Source) -> list[str]:
    """Addresses of owner and deputy of its system; of those who keep the inventory, if there is nobody."""
    system = source.system
    holders = [holder for holder in (system.owner, system.deputy) if holder] if system else []
    addresses = [holder.email for holder in holders if holder.email]
    keepers = User.objects.filter(is_active=True, roles__contains=[Role.IAM.value])
    return addresses or list(keepers.values_list("email", flat=True))


def _pause(source: Source) -> timedelta:
    rhythm = timedelta(hours=source.every_hours or LONGEST_HOURS)
    return min(rhythm, AGAIN_AFTER) if source.pull_trouble else rhythm


def _check_name(source: Source, name: str, *, is_needed: bool) -> None:
    if not name:
        if is_needed:
            raise ValidationError({"inbox": _("What is read by the portal needs a name for its secrets.")})
        return
    if not NAME.fullmatch(name):
        raise ValidationError({"inbox": _("Small letters, digits and hyphens, 40 at most.")})
    if Source.objects.filter(inbox=name).exclude(pk=source.pk).exists():
        raise ValidationError({"inbox": _("Another source has this name already.")})


def _checked(source: Source, pull: Mapping[str, str]) -> Mapping[str, str]:
    """The settings of a pull that could work."""
    way = PULLS.get(source.connector)
    if way is None:
        raise ValidationError({"pull": _("The portal can’t read this format at the source itself.")})
    wanted = {name: pull.get(name, "").strip() for name in way.fields}
    try:
        way.check(wanted, reach())
    except PullRefused as refusal:
        raise ValidationError({"pull": str(refusal)}) from refusal
    return {"kind": way.kind, **{name: value for name, value in wanted.items() if value}}
