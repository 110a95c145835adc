"""The life of a campaign: drafted, launched over a frozen population, chased, shared, closed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Identity, System
from portal import moment
from portal.audit.services import Actor, record, record_each
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User
from reviews.models import Assignment, Campaign, CampaignShare, PopulationSource
from reviews.services import freezing, locks, notices, population, readings
from reviews.services.closing import close
from reviews.services.ending import refresh_all_ended, refresh_ended
from reviews.services.population import Population

__all__ = [
    "chase",
    "close",
    "create",
    "edit",
    "launch",
    "preview",
    "refresh_all_ended",
    "refresh_ended",
    "remind",
    "share",
    "unshare",
]

REMIND_DAYS_BEFORE = 3
SHARED_DAYS_AT_MOST = 366


@transaction.atomic
def create(
    *,
    name: str,
    systems: Sequence[System],
    kinds: Sequence[str],
    fallback: Identity,
    due_at: datetime,
    by: User,
    purpose: str = "",
    privileged_only: bool = True,
    with_credentials: bool = True,
    session_reach: bool = False,
    evidence_days: int = 90,
) -> Campaign:
    """A draft with the next code of its year. Nothing is frozen and nobody is told."""
    at = moment.now()
    campaign = Campaign(
        code=_next_code(at),
        name=name.strip(),
        purpose=purpose.strip(),
        kinds=sorted(kinds),
        privileged_only=privileged_only,
        with_credentials=with_credentials,
        session_reach=session_reach,
        fallback=fallback,
        due_at=due_at,
        evidence_days=evidence_days,
        created_by_id=by.pk,
        created_at=at,
    )
    _check_scope(campaign, systems, at)
    campaign.full_clean()
    campaign.save()
    campaign.systems.set(systems)
    record(
        Verb.CAMPAIGN_CREATED,
        campaign,
        actor=by.actor,
        at=at,
        stream=campaign.pk,
        facts=_scope(campaign, systems),
    )
    return campaign


def _next_code(at: datetime) -> str:
    """`CAM-2026-04`: numbered per year, without holes that a lost race could leave."""
    locks.numbering()
    prefix = f"CAM-{timezone.localtime(at).year}-"
    numbers = [
        int(code.removeprefix(prefix))
        for code in Campaign.objects.filter(code__startswith=prefix).values_list("code", flat=True)
    ]
    return f"{prefix}{max(numbers, default=0) + 1:02d}"


def _check_scope(campaign: Campaign, systems: Sequence[System], at: datetime) -> None:
    if not systems:
        raise ValidationError({"systems": _("Choose at least one system.")})
    if not campaign.kinds:
        raise ValidationError({"kinds": _("Choose at least one kind of identity.")})
    if campaign.due_at <= at:
        raise ValidationError({"due_at": _("The due date must be in the future.")})
    fallback = campaign.fallback
    if not fallback.is_human or fallback.status != Identity.Status.ACTIVE:
        raise ValidationError({"fallback": _("The fallback must be a person who is here.")})


def _scope(campaign: Campaign, systems: Sequence[System]) -> dict[str, object]:
    """The facts of a definition."""
    return {
        "code": campaign.code,
        "systems": sorted(system.code for system in systems),
        "kinds": campaign.kinds,
        "privileged_only": campaign.privileged_only,
        "with_credentials": campaign.with_credentials,
        "session_reach": campaign.session_reach,
        "fallback": campaign.fallback_id,
        "due_at": campaign.due_at,
        "evidence_days": campaign.evidence_days,
    }


@transaction.atomic
def edit(campaign: Campaign, *, version: int, by: User, systems: Sequence[System], **values: Any) -> Campaign:
    """Change a draft. After launch the definition is part of the record and stays."""
    at = moment.now()
    if campaign.state != Campaign.State.DRAFT:
        raise ValidationError(_("The campaign was launched; what it judges is frozen and can’t be edited."))
    for name, value in values.items():
        setattr(campaign, name, sorted(value) if name == "kinds" else value)
    _check_scope(campaign, systems, at)
    change(campaign, version, when=Q(state=Campaign.State.DRAFT), **{**values, "kinds": campaign.kinds})
    campaign.systems.set(systems)
    record(
        Verb.CAMPAIGN_EDITED,
        campaign,
        actor=by.actor,
        at=at,
        stream=campaign.pk,
        facts=_scope(campaign, systems),
    )
    return campaign


def preview(campaign: Campaign) -> Population:
    """What is in the review and what is left out: of a draft as of now, else as it was frozen."""
    if campaign.state == Campaign.State.DRAFT:
        return population.preview(campaign, moment.now())
    return population.frozen(campaign)


@transaction.atomic
def launch(
    campaign: Campaign, *, version: int, by: User, exceptions: Mapping[str, str] | None = None, seen: str = ""
) -> Campaign:
    """Freeze the population, give every item to its reviewer, and tell them.

    `exceptions` holds a reason for each red source by its key (`SourceLine.key`). `seen` is the fingerprint
    of the preview that was looked at; a population that has changed since is refused.
    """
    at = moment.now()
    locks.alone(campaign.pk)
    if not Campaign.objects.filter(pk=campaign.pk, version=version, state=Campaign.State.DRAFT).exists():
        raise Conflict(campaign)
    before = readings.last_applied(campaign)
    population.gather(campaign, at)
    found = population.staged(campaign, at)
    exceptions = exceptions or {}
    _check_launch(campaign, found, exceptions, seen=seen, at=at)
    frozen = freezing.write(campaign, found, exceptions, by_id=by.pk)
    if readings.last_applied(campaign) != before:
        raise ValidationError(
            _("A reading was applied at this very moment. Look at the preview again, then launch.")
        )
    change(
        campaign,
        version,
        when=Q(state=Campaign.State.DRAFT),
        state=Campaign.State.LAUNCHED,
        launched_at=at,
        item_count=found.total,
        population_root=frozen.root,
    )
    _record_exceptions(campaign, by.actor, at)
    facts = {**_scope(campaign, list(campaign.systems.all())), **frozen.facts}
    record(Verb.CAMPAIGN_LAUNCHED, campaign, actor=by.actor, at=at, stream=campaign.pk, facts=facts)
    notices.launched(campaign.assignments.select_related("campaign"))
    return campaign


def _check_launch(
    campaign: Campaign, found: Population, exceptions: Mapping[str, str], *, seen: str, at: datetime
) -> None:
    """Everything that stops a launch, said at once."""
    problems = []
    if seen and seen != found.fingerprint:
        problems.append(
            _("What is in the review has changed since you looked at it. Look again, then launch.")
        )
    if campaign.due_at <= at:
        problems.append(_("The due date has passed. Edit the campaign and choose a later one."))
    if not found.total:
        problems.append(_("Nothing is in this review. Widen its scope before you launch it."))
    if count := found.without_reviewer:
        text = ngettext(
            "Nobody may decide on %(count)d item. Choose another fallback.",
            "Nobody may decide on %(count)d items. Choose another fallback.",
            count,
        )
        problems.append(text % {"count": count})
    for line in found.reds:
        if not exceptions.get(line.key, "").strip():
            where = f"{line.system_code}, {line.source}" if line.source else line.system_code
            text = _("%(where)s is red: %(why)s. Give a reason to go on with it.")
            problems.append(text % {"where": where, "why": "; ".join(str(word) for word in line.red_words)})
    if problems:
        raise ValidationError(problems)


def _record_exceptions(campaign: Campaign, actor: Actor, at: datetime) -> None:
    """Each exception is an act of its own, so that the log can be asked who went on although it was red."""
    record_each(
        Verb.CAMPAIGN_EXCEPTED,
        PopulationSource.objects.filter(campaign=campaign).exclude(exception_reason=""),
        actor=actor,
        at=at,
        stream=campaign.pk,
        facts=lambda row: {
            "campaign": campaign.code,
            "system": row.system_code,
            "source": row.source_id,
            "reds": row.counts["red"],
            "reason": row.exception_reason,
        },
    )


@transaction.atomic
def chase(campaign: Campaign, *, by: User, reviewer: UUID | None = None) -> int:
    """Write to those who have not signed off, or to one; at most once a day each. Returns how many."""
    at = moment.now()
    if campaign.state != Campaign.State.LAUNCHED:
        raise ValidationError(_("Only a running campaign can be chased."))
    late = Assignment.objects.filter(campaign=campaign, total__gt=0).open().select_related("campaign")
    if reviewer is not None:
        late = late.filter(reviewer=reviewer)
    told = notices.chased(late, timezone.localtime(at).date())
    facts = {"campaign": campaign.code, "shares": late.count(), "told": told}
    record(Verb.CAMPAIGN_CHASED, campaign, actor=by.actor, at=at, stream=campaign.pk, facts=facts)
    return told


def remind(at: datetime) -> None:
    """Mail once before the due date and once when it has come, to those who have not signed off."""
    late = Assignment.objects.filter(total__gt=0).open().select_related("campaign")
    soon = at + timedelta(days=REMIND_DAYS_BEFORE)
    with transaction.atomic():
        notices.due(late.filter(campaign__due_at__lte=at))
        # Who was told of the launch less than that before the end needs no second mail at once.
        notices.due_soon(
            late.filter(campaign__due_at__gt=at, campaign__due_at__lte=soon).filter(
                campaign__launched_at__lt=F("campaign__due_at") - timedelta(days=REMIND_DAYS_BEFORE)
            )
        )


@transaction.atomic
def share(campaign: Campaign, *, user: User, until: datetime, by: User) -> CampaignShare:
    """Let somebody see this campaign, read-only, until then; sharing again moves the end."""
    at = moment.now()
    if not at < until <= at + timedelta(days=SHARED_DAYS_AT_MOST):
        raise ValidationError(_("Share until a day in the future, at most a year ahead."))
    if campaign.state == Campaign.State.DRAFT:
        raise ValidationError(_("A draft can’t be shared; launch it first."))
    shared: CampaignShare
    shared, _is_new = CampaignShare.objects.update_or_create(
        content_object=campaign,
        user=user,
        permission=_view_permission(),
        defaults={"until": until, "shared_at": at, "shared_by": by},
    )
    facts = {"campaign": campaign.code, "user": user.pk, "until": until}
    record(Verb.CAMPAIGN_SHARED, campaign, actor=by.actor, at=at, stream=campaign.pk, facts=facts)
    return shared


@transaction.atomic
def unshare(campaign: Campaign, *, user: User, by: User) -> None:
    """End a share now."""
    gone, _details = CampaignShare.objects.filter(content_object=campaign, user=user).delete()
    if gone:
        facts = {"campaign": campaign.code, "user": user.pk}
        record(Verb.SHARE_ENDED, campaign, actor=by.actor, stream=campaign.pk, facts=facts)


def _view_permission() -> Permission:
    return Permission.objects.get(content_type__app_label="reviews", codename="view_campaign")
