"""The first page: what waits for this person, and nothing else."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.models import (
    Account,
    Application,
    Identity,
    ImportRun,
    OffboardingCase,
    OwnershipClaim,
    PersonChange,
    Revocation,
    Source,
    asked,
)
from accounts.services import joiners
from portal import moment
from portal.ui.render import page
from portal.users.models import Approval, User
from portal.users.permissions import Perm
from reviews.models import Assignment, Campaign

MOST_ASKED = 1_000  # counted no further: whoever has so many does not need to know how many more


MOST_FEEDS = 5  # of one owner, each with a line of its own


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: how many, in words, where, and whether it is urgent."""

    count: int
    text: str
    url: str
    detail: str = ""
    is_late: bool = False


def _of_reviewer(user: User) -> list[Task]:
    tasks = []
    for share in Assignment.objects.of_reviewer(user.identity_id).open().select_related("campaign"):
        text = (
            ngettext("item to review", "items to review", share.left)
            if share.left
            else _("ready to sign off")
        )
        detail = _("%(name)s, due %(due)s") % {
            "name": share.campaign.name,
            "due": date_format(timezone.localtime(share.campaign.due_at), "j M Y", use_l10n=False),
        }
        url = reverse("assignment", args=[share.pk])
        tasks.append(Task(share.left, text, url, detail, share.campaign.due_at < moment.now()))
    return tasks


def _of_owner(user: User) -> list[Task]:
    mine = Identity.objects.answered_for_by(user.identity_id)
    standing_in = Identity.objects.filter(stand_in=user.identity_id).count()
    tasks = []
    if standing_in:
        text = ngettext(
            "machine identity you stand in for: accept it or say whose it is",
            "machine identities you stand in for: accept them or say whose they are",
            standing_in,
        )
        tasks.append(Task(standing_in, text, reverse("my_machines"), is_late=True))
    in_place = Application.objects.filter(stand_in=user.identity_id).count()
    if in_place:
        text = ngettext(
            "application you stand in for: accept it or say whose it is",
            "applications you stand in for: accept them or say whose they are",
            in_place,
        )
        tasks.append(Task(in_place, text, reverse("application_list"), is_late=True))
    if user.identity_id is not None and (waiting := asked.count_of(user.identity_id, most=MOST_ASKED)):
        text = ngettext(
            "machine identity waits for your word: is it yours?",
            "machine identities wait for your word: are they yours?",
            waiting,
        )
        tasks.append(Task(waiting, text, reverse("claim_list")))
    own = mine.filter(owner=user.identity_id, deputy=None)
    without_deputy = own.filter(Q(application=None) | Q(application__deputy=None)).count()
    if without_deputy:
        text = ngettext(
            "machine identity without a deputy", "machine identities without a deputy", without_deputy
        )
        tasks.append(Task(without_deputy, text, reverse("my_machines")))
    return tasks


def _of_feeds(user: User) -> list[Task]:
    """Of the systems they answer for; whoever keeps the inventory sees all of them in one line."""
    missed = Source.objects.missed()
    if user.may(Perm.INVENTORY_IMPORT):
        count = missed.count()
        text = ngettext("reading that did not come", "readings that did not come", count)
        return [Task(count, text, f"{reverse('source_list')}?only=missed", is_late=True)] if count else []
    own = missed.answered_for_by(user.identity_id)
    return [
        Task(
            1,
            _("reading that did not come"),
            reverse("source", args=[source.pk]),
            _("%(name)s, expected %(rhythm)s") % {"name": source.name, "rhythm": source.rhythm},
            is_late=True,
        )
        for source in own.order_by("name")[:MOST_FEEDS]
    ]


def _of_carrier(user: User) -> list[Task]:
    waiting = Revocation.objects.visible_to(user).to_carry_out()
    if not user.may(Perm.REVOCATION_VIEW):
        waiting = waiting.carried_out_by(user.identity_id)
    count, late = waiting.count(), waiting.filter(due_at__lt=moment.now()).count()
    if not count:
        return []
    text = ngettext("right to remove", "rights to remove", count)
    detail = ngettext("%d overdue", "%d overdue", late) % late if late else ""
    return [Task(count, text, reverse("revocation_list"), detail, bool(late))]


def _of_inventory(_user: User) -> list[Task]:
    tasks = []
    if opened := ImportRun.objects.open().count():
        text = ngettext("reading to look at", "readings to look at", opened)
        tasks.append(Task(opened, text, reverse("source_list")))
    if orphans := Account.objects.orphaned().count():
        text = ngettext(
            "account that belongs to nobody known", "accounts that belong to nobody known", orphans
        )
        claimed = Account.objects.orphaned().claimed().count()
        detail = _("%(count)d with somebody proposed") % {"count": claimed} if claimed else ""
        tasks.append(Task(orphans, text, reverse("orphan_list"), detail))
    if unowned := Identity.objects.unowned().count():
        text = ngettext(
            "machine identity nobody answers for", "machine identities nobody answers for", unowned
        )
        tasks.append(Task(unowned, text, reverse("unowned_list")))
    if needless := OwnershipClaim.objects.shutting_down().count():
        text = ngettext(
            "machine identity that nobody needs, they say",
            "machine identities that nobody needs, they say",
            needless,
        )
        tasks.append(Task(needless, text, reverse("shut_down_list")))
    return tasks


def _of_movers() -> list[Task]:
    """Readings that moved many people, until a campaign about people was defined after them."""
    waves = joiners.waves()
    if not waves:
        return []
    about_people = Campaign.objects.filter(kinds__contains=[Identity.Kind.HUMAN])
    last = about_people.order_by("-created_at").values_list("created_at", flat=True).first()
    return [
        Task(
            wave.movers,
            _("people moved at once: review what they hold, in one campaign"),
            f"{reverse('campaign_new')}?movers={wave.run.pk}",
            wave.run.source.name,
        )
        for wave in waves
        if wave.run.applied_at and (last is None or last < wave.run.applied_at)
    ]


def _of_compliance(_user: User) -> list[Task]:
    tasks = _of_movers()
    for campaign in Campaign.objects.running():
        totals = campaign.assignments.all().totals()
        left = totals["total"] - totals["decided"]
        text = _("of %(total)d items undecided in %(code)s") % {
            "total": totals["total"],
            "code": campaign.code,
        }
        late = campaign.due_at < moment.now()
        tasks.append(Task(left, text, reverse("campaign", args=[campaign.code]), campaign.name, late))
    unproven = Revocation.objects.unproven().count()
    if unproven:
        text = ngettext("right decided but not proven gone", "rights decided but not proven gone", unproven)
        tasks.append(Task(unproven, text, reverse("revocation_list")))
    return tasks


def _of_leavers(user: User) -> list[Task]:
    """Rows that HR readings miss, as long as nobody said what that means."""
    waiting = PersonChange.objects.visible_to(user).proposals().without_case_for(user).count()
    if not waiting:
        return []
    text = ngettext("proposed leaver", "proposed leavers", waiting)
    return [Task(waiting, text, reverse("leaver_list"))]


def _of_offboarding(user: User) -> list[Task]:
    running = OffboardingCase.objects.visible_to(user).open().count()
    if not running:
        return []
    text = ngettext("offboarding under way", "offboardings under way", running)
    return [Task(running, text, reverse("offboarding_list"))]


def _of_approver(user: User) -> list[Task]:
    waiting = Approval.objects.waiting().exclude(asked_by=user).count()
    if not waiting:
        return []
    text = ngettext("request waits for a second person", "requests wait for a second person", waiting)
    return [Task(waiting, text, reverse("approval_list"))]


def tasks_of(user: User) -> list[Task]:
    """Everything that waits for this user, their own first."""
    tasks: list[Task] = []
    if user.identity_id is not None:
        tasks += _of_reviewer(user) + _of_owner(user)
    tasks += _of_feeds(user) + _of_carrier(user)
    for perm, find in (
        (Perm.CAMPAIGN_MANAGE, _of_compliance),
        (Perm.OFFBOARDING_MANAGE, _of_leavers),
        (Perm.OFFBOARDING_VIEW, _of_offboarding),
        (Perm.INVENTORY_IMPORT, _of_inventory),
        (Perm.APPROVAL_DECIDE, _of_approver),
    ):
        if user.may(perm):
            tasks += find(user)
    return tasks


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me."""
    user: Any = request.user
    shared = (
        Campaign.objects.visible_to(user) if not user.may(Perm.CAMPAIGN_VIEW) else Campaign.objects.none()
    )
    return page(request, "home.html", {"tasks": tasks_of(user), "shared": shared.newest_first()[:10]})
