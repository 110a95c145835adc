"""A removal in words for the one who carries it out: what to do, with ready commands, and what is proven.

Nothing here says why: whoever carries it out sees what goes, not who decided it or in which campaign or case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal, cast

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.connectors.removal_commands import Removal, commands_for
from accounts.models import Account, Credential, Entitlement, Grant, Identity, ImportRun, Revocation, System

State, Act = Revocation.State, Revocation.Act

WHY_NOT = {
    "not_complete": gettext_lazy(
        "Absent in the reading of %(when)s, but that one does not list everything: it proves nothing."
    ),
    "time_unknown": gettext_lazy(
        "Absent in a reading that does not say when it was taken at the source (received %(when)s): "
        "it proves nothing."
    ),
    "taken_before": gettext_lazy(
        "Absent in the reading of %(when)s, but that was taken before the removal was asked for or "
        "reported: it proves nothing."
    ),
    "has_rejects": gettext_lazy(
        "Absent in the reading of %(when)s, but rows of it could not be read: it proves nothing."
    ),
}

HEADINGS = (
    gettext_lazy("System"),
    gettext_lazy("Due"),
    gettext_lazy("Overdue"),
    gettext_lazy("What to do"),
    gettext_lazy("What"),
    gettext_lazy("Account"),
    gettext_lazy("Whose"),
    gettext_lazy("State"),
    gettext_lazy("Decided"),
    gettext_lazy("Asked for"),
    gettext_lazy("Reported done"),
    gettext_lazy("Ticket"),
    gettext_lazy("Last seen"),
    gettext_lazy("First proven absent"),
    gettext_lazy("Why not proven"),
    gettext_lazy("Command"),
    gettext_lazy("Key"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One removal as it is shown."""

    revocation: Revocation
    what: str
    detail: str
    account: Account
    whose: Identity | None
    to_do: str
    commands: list[str]
    why_not_proven: str
    is_overdue: bool
    may_report: bool

    @property
    def pick(self) -> str:
        """Which row was seen in which version, for the form that reports many done."""
        return f"{self.revocation.pk}:{self.revocation.version}"


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one system and day."""

    number: int
    system: System
    title: str
    rows: list[Row]

    @property
    def open(self) -> int:
        """How many of them may be reported in one go."""
        return sum(1 for one in self.rows if one.may_report)


def groups(rows: list[Row]) -> list[Group]:
    """One list per system and day, in the order of the rows."""
    found = []
    for number, (_key, some) in enumerate(groupby(rows, key=_system_and_day)):
        together = list(some)
        first = together[0].revocation
        found.append(Group(number, first.system, _title(first), together))
    return found


def _title(one: Revocation) -> str:
    """The day of a list. What was taken back is due on none, and what was never asked for has none yet."""
    if one.state == State.WITHDRAWN:
        return _("taken back")
    return _("due %(day)s") % {"day": _long_day(one.due_at)} if one.due_at else _("not asked for yet")


def _system_and_day(one: Row) -> tuple[str, str]:
    return one.revocation.system.code, _title(one.revocation)


def row(revocation: Revocation, *, at: datetime, may_carry_out: bool = False) -> Row:
    """The words for one revocation, fetched `with_names()`."""
    account = revocation.on_account
    what, detail = _what(revocation)
    state = State(revocation.state)
    return Row(
        revocation=revocation,
        what=what,
        detail=detail,
        account=account,
        whose=account.identity,
        to_do=_to_do(revocation, account),
        commands=_commands(revocation, account),
        why_not_proven=why_not_proven(revocation),
        is_overdue=state == State.REQUESTED and revocation.due_at is not None and revocation.due_at < at,
        may_report=may_carry_out and state in (State.REQUESTED, State.IMPOSSIBLE),
    )


def cells(one: Row) -> Iterator[str]:
    """The row for a spreadsheet, in the order of HEADINGS."""
    revocation = one.revocation
    yield revocation.system.code
    yield _day(revocation.due_at)
    yield _("yes") if one.is_overdue else ""
    yield one.to_do
    yield one.what
    yield one.account.name
    yield one.whose.name if one.whose else _("unknown")
    yield revocation.state_words
    for moment in (revocation.decided_at, revocation.requested_at, revocation.reported_at):
        yield _moment(moment)
    yield revocation.ticket
    yield _moment(revocation.last_seen_at)
    yield _moment(revocation.verified_at)
    yield one.why_not_proven
    yield "\n".join(one.commands)
    yield str(revocation.pk)


def safe_cell(text: str) -> str:
    """A cell no spreadsheet takes for a formula (OWASP, CSV injection); NUL ends some parsers and is cut."""
    clean = text.replace("\0", "")
    return f"'{clean}" if clean.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else clean


def why_not_proven(revocation: Revocation) -> str:
    """Why the last reading in which it was absent proves nothing; empty where there is nothing to explain."""
    run = revocation.not_proven_run
    if not revocation.not_proven or run is None:
        return ""
    words = WHY_NOT.get(revocation.not_proven, gettext_lazy("Absent in the reading of %(when)s, not proven."))
    return str(words) % {"when": _long_moment(run.taken_at or run.received_at)}


def _what(revocation: Revocation) -> tuple[str, str]:
    """What goes, and a line about it."""
    if (grant := revocation.grant) is not None:
        return grant.entitlement.name, grant.entitlement.plain_words.rstrip(". ")
    if (credential := revocation.credential) is not None:
        return f"{credential.get_kind_display()} {credential.fingerprint}", ""
    return _("the account itself"), ""


def _to_do(revocation: Revocation, account: Account) -> str:
    """One sentence, also where there is no command."""
    words = {"account": account.name, "system": revocation.system.code, "right": "", "group": ""}
    if (grant := revocation.grant) is not None:
        group = grant.via.name if grant.via else ""
        words |= {
            "right": grant.entitlement.name,
            "group": group,
            "end": _long_day(revocation.ends_at) if revocation.ends_at else "",
        }
        return _to_do_with_right(revocation, grant) % words
    if (credential := revocation.credential) is not None:
        words["right"] = f"{credential.get_kind_display()} {credential.fingerprint}"
        if revocation.act == Act.ROTATE:
            return _("Replace the %(right)s of %(account)s by a new one.") % words
        return _("Remove the %(right)s of %(account)s.") % words
    if revocation.act == Act.ROTATE:
        return _("Give %(account)s a new secret and tell it only those who need it.") % words
    if revocation.act == Act.DISABLE:
        return _("Disable or delete the account %(account)s.") % words
    return _("Delete the account %(account)s.") % words


def _to_do_with_right(revocation: Revocation, grant: Grant) -> str:
    if revocation.act == Act.LIMIT:
        if revocation.ends_at is None:
            return _("Set the agreed end for “%(right)s” of %(account)s.")
        return _("Let “%(right)s” of %(account)s end by itself on %(end)s.")
    if grant.via is not None:
        return _("Take %(account)s out of “%(group)s”, through which it holds “%(right)s”.")
    if grant.entitlement.kind == Entitlement.Kind.GROUP:
        return _("Take %(account)s out of the group “%(right)s”.")
    return _("Take “%(right)s” away from %(account)s.")


def _commands(revocation: Revocation, account: Account) -> list[str]:
    grant, credential = revocation.grant, revocation.credential
    what: Literal["grant", "credential", "account"] = (
        "grant" if grant else "credential" if credential else "account"
    )
    removal = Removal(
        act=cast("Literal['remove', 'rotate', 'limit', 'disable']", str(Act(revocation.act).value)),
        what=what,
        account=account.external_id,
        entitlement=grant.entitlement.external_id if grant else "",
        via=grant.via.external_id if grant and grant.via else "",
        credential_kind=credential.kind if credential else "",
        fingerprint=credential.fingerprint if credential else "",
    )
    return commands_for(_shown_by(grant, credential, account).source.connector, removal)


def _shown_by(grant: Grant | None, credential: Credential | None, account: Account) -> ImportRun:
    """The reading that showed it first; its format tells which tool the system is run with."""
    if grant is not None:
        return grant.known_from_run
    return credential.first_run if credential is not None else account.first_run


def _moment(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "Y-m-d H:i", use_l10n=False) if at else ""


def _long_moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i", use_l10n=False)


def _long_day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y", use_l10n=False)


def _day(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "Y-m-d", use_l10n=False) if at else ""
