"""Verbs about readings that tripped a fuse: released by a second person, who sees what would end, or refused.

The release is of exactly what they saw: where the record has changed since, the reading is shown and asked
for again. Whoever asked or sent the file never releases it.
"""

from contextlib import suppress

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Identity, ImportRun
from accounts.reconciliation import RELEASE, release_of
from accounts.services import imports
from portal.audit.versions import Conflict, change
from portal.outbox import services as outbox
from portal.users import services as users
from portal.users.guards import allowed
from portal.users.models import Approval, User
from portal.users.permissions import Perm

State = ImportRun.State


@transaction.atomic
def ask(run: ImportRun, *, reason: str, version: int | None, by: User) -> Approval:
    """Ask a second person to let the reading end what its preview shows."""
    fuse = run.preview.get("fuse")
    if not fuse:
        raise ValidationError(_("It ends nothing that needs a second person. Apply it."), code="no_fuse")
    imports.refuse_unfit(run)
    approval = users.ask(RELEASE, run, reason=reason, by=by)
    kept = run.preview | {"release": {"approval": str(approval.pk), "seal": fuse["seal"]}}
    change(run, version, when=Q(state=State.PREVIEWED), preview=kept)
    _tell_owners(run, approval)
    return approval


def waiting(run: ImportRun) -> Approval | None:
    """The request that a second person has not answered yet."""
    return Approval.objects.of(run).waiting().filter(action=RELEASE).first()


def last_asked(run: ImportRun) -> Approval | None:
    """The request for this reading, answered or not, if it is about what it would end as it stands now."""
    kept = run.preview.get("release")
    found = Approval.objects.of(run).filter(pk=kept["approval"]) if kept else Approval.objects.none()
    return found.select_related("asked_by", "decided_by").first()


def releases(run: ImportRun, user: User) -> bool:
    """By role, or because they answer for the system."""
    system = run.source.system
    owns = system is not None and user.identity_id in {system.owner_id, system.deputy_id} - {None}
    return owns or allowed(user, Perm.APPROVAL_DECIDE)


def may_answer(run: ImportRun, user: User) -> bool:
    """A release waits, and they are neither who asked for it nor who sent the file."""
    asked = waiting(run)
    if asked is None or user.pk in {asked.asked_by_id, run.received_by_id}:
        return False
    return releases(run, user)


@transaction.atomic
def answer(run: ImportRun, verdict: Approval.Verdict, *, remark: str, by: User) -> None:
    """Release it, which applies it, or refuse, which leaves the record as it is."""
    asked = waiting(run)
    if asked is None:
        raise ValidationError(_("Nothing waits for a release here."), code="nothing_waits")
    if by.pk in {asked.asked_by_id, run.received_by_id}:
        raise ValidationError(
            _("You asked for it or sent the file. Somebody else has to look at it."), code="same_person"
        )
    if not releases(run, by):
        raise PermissionDenied(
            _("Only whoever answers for the system, or decides approvals, may release it.")
        )
    users.answer(asked, verdict, by=by, remark=remark)
    settle(run)


@transaction.atomic
def settle(run: ImportRun) -> bool:
    """Apply a reading that was released, wherever that was answered; safe to repeat."""
    fuse = run.preview.get("fuse")
    released = release_of(run, fuse["seal"]) if fuse and run.state == State.PREVIEWED else None
    if released is None:
        return False
    imports.apply(run, version=run.version, by=released.asked_by)
    return True


def settle_answered() -> int:
    """All that were released since; returns how many are being applied."""
    asked = ImportRun.objects.filter(state=State.PREVIEWED, preview__has_key="release")
    applied = 0
    for run in asked.select_related("source__system"):
        with suppress(ValidationError, Conflict):  # one that has to wait holds up no other
            applied += settle(run)
    return applied


def _tell_owners(run: ImportRun, approval: Approval) -> None:
    """By mail, with a link and no name of anything that would end."""
    system = run.source.system
    if system is None:
        return
    link = settings.BASE_URL + reverse("import_run", args=[run.pk])
    body = _(
        "A reading of %(system)s would end more than one person may let it end, so it waits for a second "
        "person. Look at what would end, then release or refuse it:\n\n%(link)s\n"
    ) % {"system": system.code, "link": link}
    owners = Identity.objects.filter(pk__in=[key for key in (system.owner_id, system.deputy_id) if key])
    for owner in owners.exclude(email=""):
        key = f"import-release:{approval.pk}:{owner.pk}"
        subject = _("A reading of %(system)s waits for you") % {"system": system.code}
        with suppress(ValidationError):  # an address in the inventory may be none
            outbox.post(key, to=owner.email, subject=subject, body=body)
