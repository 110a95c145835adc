"""Is this yours? What people say to machines that nobody answers for, and what follows from it."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, Identity, OwnershipClaim, Revocation, RevocationCause, asked
from accounts.services import ownership, revocations
from portal import moment
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.outbox import services as outbox
from portal.users.models import User
from portal.users.permissions import Perm

Answer = OwnershipClaim.Answer
# How long somebody has to say whether a machine is theirs, before it falls to whoever owns its system.
ANSWER_WITHIN = timedelta(days=14)
# A first reading may bring a million machines of nobody; they fall to somebody hour by hour.
AT_ONCE = 1_000


@transaction.atomic
def say(
    machine: Identity,
    *,
    answer: OwnershipClaim.Answer,
    version: int | None,
    by: User,
    ask: Identity | None = None,
    remark: str = "",
) -> OwnershipClaim:
    """Say whose a machine is: mine, not mine, ask somebody else, or nobody needs it.

    Whoever is asked says any of them; its owner hands it on or wants it shut down; who may name owners asks
    somebody. It stays with its owner until the next one says *mine*; *shut down* starts nothing by itself.
    """
    at = moment.now()
    me = Identity.objects.filter(pk=by.identity_id).first() if by.identity_id else None
    if me is None:
        raise ValidationError(
            _("The portal does not know who you are in the inventory. Ask IAM to link you.")
        )
    change(machine, version)
    _may_say(machine, me, answer, by)
    _check_asked(machine, me, answer, ask)
    said = OwnershipClaim.objects.create(
        identity=machine,
        said_by=me,
        answer=answer,
        ask=ask if answer == Answer.ASK else None,
        remark=remark.strip(),
        said_at=at,
    )
    facts = {
        "answer": answer,
        "claim": said.pk,
        "holder": me.pk,
        "holder_card": me.card,
        "ask": said.ask_id,
        "ask_card": said.ask.card if said.ask else None,
    }
    record(Verb.OWNER_CLAIMED, machine, actor=by.actor, at=at, facts=facts)
    if answer == Answer.MINE:
        ownership.take(machine, me, version=None, actor=by.actor, at=at)
    elif machine.stand_in_id == me.pk:
        change(machine, None, stand_in=None)  # who does not answer for it does not act for it either
    return said


@transaction.atomic
def confirm_shut_down(claim: OwnershipClaim, *, version: int | None, by: User) -> int:
    """Ask for the accounts of a machine that nobody needs to be disabled; with none left it is retired.

    Two people stand behind it: who said so, and who confirms. Emergency accounts are never touched by this.
    Returns how many accounts were asked for.
    """
    at, machine = moment.now(), claim.identity
    if by.identity_id == claim.said_by_id:
        raise ValidationError(_("Somebody else has to confirm what you said."))
    change(machine, version)
    if not OwnershipClaim.objects.shutting_down().filter(pk=claim.pk).exists():
        raise ValidationError(_("Something else was said about it since. Read it again."))
    present = Account.objects.present().filter(identity=machine)
    if not present.exists():
        change(machine, None, status=Identity.Status.LEFT, stand_in=None)
        record(
            Verb.IDENTITY_RETIRED,
            machine,
            actor=by.actor,
            at=at,
            facts={"claim": claim.pk, "card": machine.card},
        )
        return 0
    cause = revocations.Cause(RevocationCause.Kind.CLAIM, str(claim.pk), machine.name[:100])
    accounts = list(present.exclude(kind=Account.Kind.EMERGENCY).order_by("pk"))
    if not accounts:
        raise ValidationError(_("Only emergency accounts are left. Name another custodian for them first."))
    for account in accounts:
        revocations.decide_and_request(
            account, act=Revocation.Act.DISABLE, cause=cause, actor=by.actor, at=at
        )
    facts = {"claim": claim.pk, "accounts": len(accounts), "card": machine.card}
    record(Verb.IDENTITY_SHUT_DOWN, machine, actor=by.actor, at=at, facts=facts)
    return len(accounts)


def fall_to_last_resort(at: datetime) -> int:
    """Where nobody has answered for long enough, who owns the system stands in; returns for how many."""
    fallen = 0
    for one in asked.unanswered(at - ANSWER_WITHIN, limit=AT_ONCE):
        with transaction.atomic():
            waiting = Identity.objects.select_for_update().filter(pk=one.machine_id, stand_in=None)
            machine = waiting.exclude(status=Identity.Status.LEFT).first()
            holder = Identity.objects.active().filter(pk__in=[one.last_resort_id]).first()
            if machine is None or holder is None:
                continue
            ownership.stand_in(machine, holder, actor=PORTAL, at=at, as_last_resort=True)
            fallen += 1
    return fallen


def remind(at: datetime) -> int:
    """Mail everybody who is asked, once a week, how many machines wait for their word; returns how many."""
    year, week, _day = at.isocalendar()
    waiting = asked.by_person()
    addresses = _addresses(set(waiting))
    posted = 0
    for person, count in sorted(waiting.items()):
        # A reminder is not held up by an address in the inventory that is none.
        with suppress(ValidationError):
            if address := addresses.get(person):
                outbox.post(
                    f"claims:{person}:{year}-{week}",
                    to=address,
                    subject=_("Are these yours?"),
                    body=_body(count),
                )
                posted += 1
    return posted


def due_at(since: datetime | None) -> datetime | None:
    """When a machine that waits since then falls to whoever owns its system."""
    return since + ANSWER_WITHIN if since else None


def _body(count: int) -> str:
    words = ngettext(
        "%(count)d machine identity waits for your word: is it yours?",
        "%(count)d machine identities wait for your word: are they yours?",
        count,
    )
    return "\n\n".join([words % {"count": count}, settings.BASE_URL + reverse("claim_list")])


def _addresses(people: set[UUID]) -> dict[UUID, str]:
    """Where each can be written to: the portal user's address, else the inventory's. Some have none."""
    found = dict(Identity.objects.filter(pk__in=people).exclude(email="").values_list("pk", "email"))
    users = User.objects.filter(identity_id__in=people, is_active=True, kind=User.Kind.PERSON)
    found.update({key: email for key, email in users.values_list("identity_id", "email") if key})
    return found


def _may_say(machine: Identity, me: Identity, answer: OwnershipClaim.Answer, by: User) -> None:
    waits = asked.about([machine.pk]).get(machine.pk)
    if waits is not None and waits.person_id == me.pk:
        return
    through = machine.application
    if me.pk in {machine.owner_id, through.owner_id if through else None} and answer in (
        Answer.ASK,
        Answer.SHUT_DOWN,
    ):
        return
    if answer == Answer.ASK and by.may(Perm.OWNER_NAME):
        return
    raise ValidationError(_("This does not wait for your word."))


def _check_asked(
    machine: Identity, me: Identity, answer: OwnershipClaim.Answer, ask: Identity | None
) -> None:
    if answer != Answer.ASK:
        return
    if ask is None:
        raise ValidationError({"ask": _("Say whom to ask.")})
    if not ask.is_human or ask.status == Identity.Status.LEFT:
        raise ValidationError({"ask": _("Ask a person who is here.")})
    if ask.pk in {me.pk, machine.owner_id}:
        raise ValidationError({"ask": _("Ask somebody else.")})
    no = ~Q(answer=Answer.MINE)
    if OwnershipClaim.objects.filter(no, identity=machine, said_by=ask).exists():
        raise ValidationError({"ask": _("%(name)s has said already that it is not theirs.") % {"name": ask}})
