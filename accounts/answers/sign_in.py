"""A leaver's way into the portal itself, and the tokens whose secrets they have seen."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import CaseLine, Identity
from accounts.ports import Holding, Settled, holdings, settle
from portal import moment
from portal.audit.services import Actor
from portal.users import services
from portal.users.models import Token, User


@holdings.answered_by("sign_in")
def sign_ins(leaver: Identity) -> list[Holding]:
    """Their portal user."""
    found = User.objects.filter(identity_id=leaver.pk, is_active=True)
    return [Holding("sign_in", user, user.email, CaseLine.Disposition.END, user.card) for user in found]


@settle.answered_by("sign_in")
def settle_sign_in(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Ends at once, also for the last administrator: sessions, tokens and signed links go with it."""
    if line.kind != "sign_in" or not isinstance(user := line.subject, User):
        return None
    services.end_sign_in(user, actor=actor, at=at, because=line.case.code)
    return Settled(True, _("Ended: sessions, tokens and links open nothing any more."))


@holdings.answered_by("token")
def tokens(leaver: Identity) -> list[Holding]:
    """Tokens of machines that were shown to them when they were issued, and their own."""
    found = Token.objects.usable(moment.now()).filter(
        Q(issued_by__identity_id=leaver.pk) | Q(user__identity_id=leaver.pk)
    )
    return [
        Holding("token", token, f"{token} · {token.user.name}", CaseLine.Disposition.ROTATE)
        for token in found.select_related("user")
    ]


@settle.answered_by("token")
def settle_token(line: CaseLine, at: datetime, actor: Actor) -> Settled | None:
    """Their own end now; a machine's goes on until its owner has issued another and revoked this one."""
    if line.kind != "token" or not isinstance(token := line.subject, Token):
        return None
    if token.user.identity_id == line.case.identity_id or token.expires_at <= at:
        services.revoke_token(token, actor=actor)
        return Settled(True, _("Revoked."))
    return Settled(False, _("They have seen its secret: issue another, then revoke this one."))
