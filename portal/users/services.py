"""Verbs about portal users, their roles, tokens and approvals."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from portal import moment
from portal.audit import cards
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import Approval, Token, User
from portal.users.roles import Role

TOKEN_DAYS_AT_MOST = 366


@transaction.atomic
def create(
    *,
    email: str,
    name: str,
    roles: list[Role],
    actor: Actor,
    kind: User.Kind = User.Kind.PERSON,
    identity_id: UUID | None = None,
    password: str | None = None,
) -> User:
    """A new portal user; without a password they come in by single sign-on or a reset link."""
    user = User(email=email.strip().lower(), name=name, kind=kind, identity_id=identity_id)
    user.roles = sorted(role.value for role in roles)
    user.set_password(password)
    user.full_clean()
    user.card = cards.write("user", user.pk, {"email": user.email, "name": user.name})
    user.save()
    facts = {"card": user.card, "kind": kind, "roles": user.roles, "identity": identity_id}
    record(Verb.USER_CREATED, user, actor=actor, facts=facts)
    return user


@transaction.atomic
def set_roles(user: User, roles: list[Role], *, actor: Actor, by: User | None = None) -> None:
    """Give a user exactly these roles, unless they have others by now. Nobody changes their own."""
    if by is not None and by.pk == user.pk:
        raise ValidationError(_("You can't change your own roles; ask another administrator."))
    before, after = user.roles, sorted(role.value for role in roles)
    if not User.objects.filter(pk=user.pk, roles=before).update(roles=after):
        raise Conflict(user)
    user.roles = after
    record(Verb.USER_ROLES_CHANGED, user, actor=actor, facts={"before": before, "after": after})


@transaction.atomic
def end_sign_in(user: User, *, actor: Actor, at: datetime, because: str) -> None:
    """Nobody signs in as this user any more: sessions, tokens and signed links end with one UPDATE."""
    User.objects.filter(pk=user.pk).update(is_active=False, access_epoch=F("access_epoch") + 1)
    user.refresh_from_db()
    record(Verb.SIGN_IN_ENDED, user, actor=actor, at=at, facts={"because": because})


@transaction.atomic
def issue_token(user: User, *, label: str, scopes: list[str], days: int, by: User) -> tuple[Token, str]:
    """A token for a machine and its secret, which is shown once and never kept.

    The secret is `gp_` and 43 characters of base64url (256 bits). `days` is 1 to 366.
    """
    if user.kind != User.Kind.MACHINE:
        raise ValidationError(_("Tokens are for machines; people sign in."))
    if not 1 <= days <= TOKEN_DAYS_AT_MOST:
        raise ValidationError(_("A token lives between 1 and 366 days."))
    at, secret = moment.now(), "gp_" + secrets.token_urlsafe(32)
    token = Token.objects.create(
        user=user,
        label=label,
        digest=Token.digest_of(secret),
        prefix=secret[:8],
        scopes=sorted(scopes),
        access_epoch=user.access_epoch,
        issued_by=by,
        issued_at=at,
        expires_at=at + timedelta(days=days),
    )
    facts = {"user": user.pk, "scopes": token.scopes, "expires_at": token.expires_at}
    record(Verb.TOKEN_ISSUED, token, actor=by.actor, at=at, facts=facts)
    return token, secret


@transaction.atomic
def revoke_token(token: Token, *, actor: Actor) -> None:
    """The token opens nothing from now on; revoking twice is one act."""
    at = moment.now()
    if Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        record(Verb.TOKEN_REVOKED, token, actor=actor, at=at, facts={"user": token.user_id})


@transaction.atomic
def ask(action: str, subject: models.Model, *, reason: str, by: User) -> Approval:
    """Ask a second person for `action` on `subject`; asking again while one waits returns that one."""
    waiting = Approval.objects.waiting().of(subject).filter(action=action).first()
    if waiting is not None:
        return waiting
    if not reason.strip():
        raise ValidationError(_("Say why this is needed; the second person decides on it."))
    approval = Approval.objects.create(
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        reason=reason.strip(),
        asked_by=by,
        asked_at=moment.now(),
    )
    facts = {"action": action, "about": {"type": approval.subject_type, "id": approval.subject_id}}
    record(Verb.APPROVAL_ASKED, approval, actor=by.actor, facts=facts)
    return approval


@transaction.atomic
def answer(approval: Approval, verdict: Approval.Verdict, *, by: User, remark: str = "") -> None:
    """Grant or refuse; the one who asked can't, and an answer stands."""
    if approval.asked_by_id == by.pk:
        raise ValidationError(_("You asked for this yourself; a second person has to answer."))
    at = moment.now()
    answered = (
        Approval.objects.waiting()
        .filter(pk=approval.pk)
        .update(verdict=verdict, decided_by=by, decided_at=at, remark=remark)
    )
    if not answered:
        raise ValidationError(_("Somebody has answered already."))
    approval.refresh_from_db()
    verb = Verb.APPROVAL_GRANTED if verdict == Approval.Verdict.GRANTED else Verb.APPROVAL_REFUSED
    facts = {"action": approval.action, "asked_by": approval.asked_by_id}
    record(verb, approval, actor=by.actor, at=at, facts=facts)
