"""What proves that the secret of an account was rotated: each of its secrets is younger than the request.

Everything else is proven by reconciliation, row by row, while a reading is applied.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import Account, Credential, ImportRun, Revocation
from accounts.services.revocations import about
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change

State = Revocation.State
ASKED = (State.REQUESTED, State.REPORTED, State.IMPOSSIBLE)


def prove_rotations(at: datetime) -> int:
    """Verify accounts that were to get a new secret and have; returns how many were proven."""
    waiting = Revocation.objects.filter(
        account__isnull=False, act=Revocation.Act.ROTATE, state__in=ASKED, requested_at__isnull=False
    )
    return sum(_prove(revocation, at) for revocation in waiting.select_related("account"))


@transaction.atomic
def _prove(revocation: Revocation, at: datetime) -> bool:
    rotated_at = _rotated_at(revocation)
    run = _shown_by(revocation, rotated_at) if rotated_at else None
    if run is None:
        return False
    proven = {"verified_at": run.taken_at, "verified_run": run, "not_proven": "", "not_proven_run": None}
    try:
        change(
            revocation,
            None,
            when=Q(state__in=ASKED),
            state=State.VERIFIED,
            last_seen_at=rotated_at,
            **proven,
        )
    except Conflict:
        return False  # withdrawn, or its account was proven gone, in this moment
    facts = {
        **about(revocation),
        "run": run.pk,
        "verified_at": revocation.verified_at,
        "last_seen_at": revocation.last_seen_at,
        "requested_at": revocation.requested_at,
        "reported_at": revocation.reported_at,
    }
    record(Verb.REVOCATION_VERIFIED, revocation, actor=PORTAL, at=at, facts=facts)
    return True


def _rotated_at(revocation: Revocation) -> datetime | None:
    """When the last secret was renewed; None while one is older than the request, or of unknown age."""
    account, since = revocation.account, revocation.requested_at
    if account is None or since is None:
        return None
    ages = [secret.age_from for secret in _secrets(account)]
    known = [age for age in ages if age is not None]
    if not known or len(known) < len(ages) or min(known) <= since:
        return None
    return max(known)


def _secrets(account: Account) -> list[Credential]:
    """What opens the account; a second factor opens nothing by itself."""
    return list(account.credentials.usable().exclude(kind=Credential.Kind.MFA_DEVICE))


def _shown_by(revocation: Revocation, rotated_at: datetime) -> ImportRun | None:
    """The first complete reading of the system taken after it was asked for, reported and rotated."""
    since = max(filter(None, [revocation.requested_at, revocation.reported_at, rotated_at]))
    runs = ImportRun.objects.applied().filter(source__system=revocation.system_id, taken_at__gt=since)
    in_order = runs.order_by("taken_at")
    return next((run for run in in_order if not run.proves_absence_after(since, "credential")), None)
