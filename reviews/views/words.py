"""What the review pages say in words: who somebody is, and what happens after a decision."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, Credential, Identity, System
from reviews.models import Decision, ReviewItem

Verdict = ReviewItem.Verdict


def about(subject: Identity | None, account: Account, members: Sequence[Identity]) -> str:
    """One line under a name: job and department, or kind, rhythm and who answers for a machine."""
    if subject is None:
        return _of_nobody(account, members)
    if subject.is_human:
        return " · ".join(filter(None, [subject.title, subject.department])) or _("person")
    parts = [subject.get_kind_display()]
    if subject.rhythm:
        parts.append(_("used %(rhythm)s") % {"rhythm": subject.get_rhythm_display()})
    if subject.owner:
        parts.append(_("owner %(name)s") % {"name": subject.owner})
        deputy = _("deputy %(name)s") % {"name": subject.deputy} if subject.deputy else _("no deputy")
        parts.append(deputy)
    return " · ".join(str(part) for part in parts)


def _of_nobody(account: Account, members: Sequence[Identity]) -> str:
    if account.kind == Account.Kind.SHARED:
        count = len(members)
        names = ", ".join(member.name for member in members[:4])
        text = ngettext("shared account, %(count)d member", "shared account, %(count)d members", count)
        return text % {"count": count} + (f": {names}" if names else "")
    if account.kind == Account.Kind.EMERGENCY:
        names = ", ".join(member.name for member in members) or _("nobody known")
        return _("emergency account, custodians: %(names)s") % {"names": names}
    return _("orphan account: nobody knows whose it is")


def of_credential(credential: Credential) -> str:
    """What it is and its public fingerprint."""
    return f"{str(credential.get_kind_display()).capitalize()} {credential.fingerprint}"


def age_of(credential: Credential, at: datetime) -> int | None:
    """For how many days the secret has been the same, as far as known."""
    return (at - credential.age_from).days if credential.age_from else None


def carriers_of(system: System) -> str:
    """Who carries out removals there, by name while they are few."""
    names = [carrier.name for carrier in system.carriers.all()]
    if not names:
        return _("the administrators of %(system)s") % {"system": system.code}
    return ", ".join(names[:2]) + (_(" and others") if len(names) > 2 else "")


def then(verdict: str, system: System, decision: Decision | None, account: Account) -> str:
    """What happens after a decision, and when."""
    values = {
        "who": carriers_of(system),
        "system": system.code,
        "days": system.removal_days,
        "account": account.name,
        "end": _day(decision.ends_at) if decision and decision.ends_at else "",
    }
    days = system.removal_days
    texts = {
        Verdict.CERTIFY: _("nothing changes. It is asked again in the next review."),
        Verdict.REVOKE: ngettext(
            "at sign-off it goes to %(who)s, due in %(days)d day. A reading has to prove it gone.",
            "at sign-off it goes to %(who)s, due in %(days)d days. A reading has to prove it gone.",
            days,
        ),
        Verdict.LIMIT: _("it ends on %(end)s. At sign-off it goes to %(who)s to set that end on %(system)s."),
        Verdict.ROTATE: ngettext(
            "at sign-off it goes to %(who)s for a new secret, due in %(days)d day.",
            "at sign-off it goes to %(who)s for a new secret, due in %(days)d days.",
            days,
        ),
        Verdict.HAND_OVER: _("another owner is to be named. The access stays until they decide."),
        Verdict.SHUT_DOWN: ngettext(
            "at sign-off it goes to %(who)s to disable %(account)s, due in %(days)d day.",
            "at sign-off it goes to %(who)s to disable %(account)s, due in %(days)d days.",
            days,
        ),
    }
    return texts[Verdict(verdict)] % values if verdict else ""


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y", use_l10n=False)
