"""Rights with their names: whose they are, through what they came, how they stand, where they end."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.utils.translation import gettext as _

from accounts.models.account import Account
from accounts.models.effective import END, START, Right
from accounts.models.entitlement import Entitlement

BATCH = 1_000
OF_ACCOUNT = (
    *("id", "name", "kind", "card", "gone_run"),
    *("system__id", "system__code", "system__name", "identity__id", "identity__name", "identity__kind"),
)
OF_ENTITLEMENT = (
    *("id", "name", "kind", "plain_words", "is_privileged", "carries_privilege", "because", "removable_at"),
    *("marks", "reach", "acts_as", "acts_as_name", "acts_on_name", "system", "card"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One right of one account, by one way."""

    right: Right
    account: Account
    way: tuple[Entitlement, ...]

    @property
    def entitlement(self) -> Entitlement:
        """The right itself."""
        return self.way[-1]

    @property
    def granted(self) -> Entitlement:
        """What the account was given, and the right came with."""
        return self.way[0]

    @property
    def through(self) -> str:
        """What it came through, from the account to the right; empty where it was granted itself."""
        return " → ".join(step.name for step in self.way[:-1])

    @property
    def state(self) -> str:
        """How privilege stands: standing, eligible or time_boxed; none for what is not known privileged."""
        if not self.entitlement.privilege:
            return ""
        if self.right.is_eligible:
            return "eligible"
        return "time_boxed" if self.right.is_time_boxed else "standing"

    @property
    def is_removable_here(self) -> bool:
        """It was granted on this system itself, to this account."""
        return not self.right.is_inherited and not self.granted.removable_at

    @property
    def where_it_ends(self) -> str:
        """Where it can be taken away, in words."""
        if self.is_removable_here:
            return _("here")
        names = {"what": self.granted.name, "where": self.granted.removable_at}
        if not self.right.is_inherited:
            return _("not here: in %(where)s") % names
        if self.granted.kind == Entitlement.Kind.GROUP:
            words = _("not here: remove from group %(what)s")
        elif self.granted.kind == Entitlement.Kind.ROLE:
            words = _("not here: take the role %(what)s away")
        else:
            words = _("not here: take %(what)s away")
        return (words + (_(", in %(where)s") if self.granted.removable_at else "")) % names

    @property
    def doubt(self) -> str:
        """Why it is not certain for that moment, in words; empty when it is."""
        return {
            START: _("since when is unknown, and no reading had shown it by then"),
            END: _("between the last reading that showed it and the first that did not"),
        }.get(self.right.doubt, "")

    @property
    def acts_as(self) -> str:
        """Whom it lets act as, where it does."""
        what = self.entitlement
        return f"{what.acts_as_name}@{what.acts_on_name}" if what.acts_on_name else what.acts_as_name


def named(rights: Iterable[Right], accounts: Mapping[int, Account] | None = None) -> Iterator[Line]:
    """Rights with their names, in the same order, two queries a batch; one where the accounts are known."""
    remaining, known = iter(rights), dict(accounts or {})
    while batch := list(islice(remaining, BATCH)):
        missing = {right.account_id for right in batch} - known.keys()
        found = known | (_accounts(missing) if missing else {})
        keys = {key for right in batch for key in right.way}
        steps = Entitlement.objects.only(*OF_ENTITLEMENT).in_bulk(keys)
        for right in batch:
            yield Line(right, found[right.account_id], tuple(steps[key] for key in right.way))


def _accounts(keys: set[int]) -> dict[int, Account]:
    return Account.objects.select_related("system", "identity").only(*OF_ACCOUNT).in_bulk(keys)


# What a row of a file says, of every right alike; names of columns are part of the format.
COLUMNS = (
    *("system", "account", "account_kind", "account_id", "identity", "identity_kind", "identity_id"),
    *("right", "in_words", "kind", "entitlement_id", "privileged", "state", "acts_as", "inherited"),
    *("through", "granted", "grant_id", "since", "until", "ends_at", "certain", "doubt", "removable"),
    "last_used_at",
)


def cells(line: Line) -> list[object]:
    """One row, in the order of COLUMNS."""
    right, account, what = line.right, line.account, line.entitlement
    who = account.identity
    return [
        account.system.code,
        account.name,
        account.kind,
        account.pk,
        who.name if who else None,
        who.kind if who else None,
        str(who.pk) if who else None,
        what.name,
        what.plain_words,
        what.kind,
        what.pk,
        what.privilege,
        line.state,
        line.acts_as,
        right.is_inherited,
        line.through,
        line.granted.name,
        right.grant_id,
        *(_second(moment) for moment in (right.since, right.until, right.ends_at)),
        right.is_certain,
        line.doubt,
        line.where_it_ends,
        _second(right.last_used_at),
    ]


def _second(at: datetime | None) -> datetime | None:
    """Nobody's export says fractions of a second that mean anything."""
    return at.replace(microsecond=0) if at else None
