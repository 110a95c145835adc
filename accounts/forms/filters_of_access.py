"""What narrows lists of accounts, of rights held and of credentials."""

from datetime import date, timedelta

from django.db.models import Q
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from accounts.forms.filters import (
    UNKNOWN,
    YES_NO_UNKNOWN,
    ListFilter,
    Rows,
    begins,
    choice,
    day_of,
    days_of,
    number_of,
    people_called,
    tick,
    words_of,
)
from accounts.models import Account, Credential, Entitlement, Identity
from accounts.models.entitlement import time_boxed
from accounts.models.listing import has_words
from portal import moment


class AccountFilter(ListFilter):
    """Of accounts; without a word about `gone` those that are there."""

    first = ("q", "system", "kind", "whose")
    far = frozenset({"who"})
    q = words_of(_("Search"), _("name or address"))
    system = choice(_("System"), [])
    kind = choice(_("Kind"), [*Account.Kind.choices, (UNKNOWN, _("unknown"))])
    whose = choice(
        _("Whose"),
        [("linked", _("somebody’s")), ("orphan", _("orphans")), ("nobodys", _("shared by nature"))],
    )
    who = words_of(_("Name of who has it"), _("name, address or number"))
    doubt = choice(_("Not linked because"), [("any", _("any doubt")), *Account.Doubt.choices])
    enabled = choice(_("Enabled"), YES_NO_UNKNOWN)
    gone = choice(_("There or gone"), [("gone", _("gone")), ("all", _("both"))], _("there"))
    unused_before = day_of(_("Last used before"))
    created_since = day_of(_("Made since"))

    def narrow(self, rows: Rows) -> Rows:
        """Those that are there, unless asked for others."""
        return super().narrow(rows if self.asked.get("gone") else rows.filter(gone_run=None))

    def by_q(self, rows: Rows, words: str) -> Rows:
        """What the account itself is called."""
        return rows.filter(
            has_words("name", words) | has_words("display_name", words) | has_words("email", words)
        )

    def by_kind(self, rows: Rows, kind: str) -> Rows:
        """One kind."""
        return rows.filter(kind="" if kind == UNKNOWN else kind)

    def by_whose(self, rows: Rows, said: str) -> Rows:
        """Linked to an identity; an orphan; or of a kind that has none."""
        if said == "linked":
            return rows.filter(identity__isnull=False)
        nobodys = Q(kind__in=Account.NOBODYS)
        return rows.filter(nobodys) if said == "nobodys" else rows.filter(~nobodys, identity=None)

    def by_who(self, rows: Rows, words: str) -> Rows:
        """Of identities called so."""
        return rows.filter(identity__in=Identity.objects.filter(people_called(words)).values("pk"))

    def by_doubt(self, rows: Rows, said: str) -> Rows:
        """Something matched, and yet it was not linked."""
        return rows.exclude(doubt="") if said == "any" else rows.filter(doubt=said)

    def by_enabled(self, rows: Rows, said: str) -> Rows:
        """As the system says."""
        return rows.filter(is_enabled={"yes": True, "no": False}.get(said))

    def by_gone(self, rows: Rows, said: str) -> Rows:
        """Proved gone, or both."""
        return rows.filter(gone_run__isnull=False) if said == "gone" else rows

    def by_unused_before(self, rows: Rows, day: date) -> Rows:
        """Unknown last use is not unused."""
        return rows.filter(last_used_at__lt=begins(day))

    def by_created_since(self, rows: Rows, day: date) -> Rows:
        """As the system says."""
        return rows.filter(created_at__gte=begins(day))


class GrantFilter(ListFilter):
    """Of rights held; without a word about `held` those that are held now."""

    first = ("right", "system", "stands", "privileged")
    far = frozenset({"right", "stands", "privileged", "account", "who", "unused_before"})
    right = words_of(_("Right"), _("name or words"))
    system = choice(_("System"), [])
    stands = choice(
        _("How it stands"),
        [
            ("standing", _("always on")),
            ("eligible", _("to be switched on")),
            ("time_boxed", _("ends by itself")),
        ],
    )
    privileged = choice(_("Privileged"), YES_NO_UNKNOWN)
    account = words_of(_("Account"), _("name"))
    who = words_of(_("Who"), _("name, address or number"))
    of = choice(
        _("Of"),
        [("people", _("people")), ("machines", _("machines")), ("nobody", _("nobody known"))],
    )
    use = choice(_("Use"), [("known", _("known")), (UNKNOWN, _("unknown"))])
    via = choice(_("Came"), [("direct", _("directly")), ("through", _("through something else"))])
    since = day_of(_("Held since, or later"))
    unused_before = day_of(_("Last used before"))
    ends = choice(_("Agreed end"), [("yes", _("has one")), ("no", _("has none"))])
    ends_before = day_of(_("Ends before"))
    held = choice(_("Held or ended"), [("ended", _("ended")), ("all", _("both"))], _("held now"))

    def narrow(self, rows: Rows) -> Rows:
        """Those that are held, unless asked for others."""
        return super().narrow(rows if self.asked.get("held") else rows.filter(held__upper_inf=True))

    def by_right(self, rows: Rows, words: str) -> Rows:
        """By name, words, its own id on the system, or its key as links of the portal write it."""
        if number := number_of(words):
            return rows.filter(entitlement=number)
        called = has_words("name", words) | has_words("plain_words", words) | Q(external_id=words)
        return rows.filter(entitlement__in=Entitlement.objects.filter(called).values("pk"))

    def by_stands(self, rows: Rows, said: str) -> Rows:
        """Privileged, and: always on, to be switched on before use, or ending within its window."""
        privileged = rows.filter(entitlement__carries_privilege=True)
        if said == "eligible":
            return privileged.filter(is_eligible=True)
        in_force = privileged.filter(is_eligible=False)
        return in_force.filter(time_boxed()) if said == "time_boxed" else in_force.filter(~time_boxed())

    def by_privileged(self, rows: Rows, said: str) -> Rows:
        """By itself or through what it brings; unknown where nobody knows."""
        if said == "yes":
            return rows.filter(entitlement__carries_privilege=True)
        known = {"no": False}.get(said)
        return rows.filter(entitlement__carries_privilege=False, entitlement__is_privileged=known)

    def by_account(self, rows: Rows, words: str) -> Rows:
        """By name, or by key."""
        if number := number_of(words):
            return rows.filter(account=number)
        return rows.filter(account__in=Account.objects.filter(has_words("name", words)).values("pk"))

    def by_who(self, rows: Rows, words: str) -> Rows:
        """Of identities called so."""
        return rows.filter(account__identity__in=Identity.objects.filter(people_called(words)).values("pk"))

    def by_of(self, rows: Rows, said: str) -> Rows:
        """Of people, of machines, or of accounts that belong to nobody known."""
        if said == "nobody":
            return rows.filter(account__identity=None)
        human = Q(account__identity__kind=Identity.Kind.HUMAN)
        return rows.filter(human if said == "people" else ~human, account__identity__isnull=False)

    def by_use(self, rows: Rows, said: str) -> Rows:
        """Whether anything that was read says when it was used last."""
        return rows.filter(use__isnull=said == UNKNOWN)

    def by_via(self, rows: Rows, said: str) -> Rows:
        """As the file told of it."""
        return rows.filter(via__isnull=said == "direct")

    def by_since(self, rows: Rows, day: date) -> Rows:
        """Rights of that day and later; an unknown beginning is none of them."""
        return rows.filter(held__startswith__gte=begins(day))

    def by_unused_before(self, rows: Rows, day: date) -> Rows:
        """Unknown last use is not unused."""
        return rows.filter(use__last_used_at__lt=begins(day))

    def by_ends(self, rows: Rows, said: str) -> Rows:
        """An end was agreed."""
        return rows.filter(ends_at__isnull=said == "no")

    def by_ends_before(self, rows: Rows, day: date) -> Rows:
        """The agreed end is earlier than that day."""
        return rows.filter(ends_at__lt=begins(day))

    def by_held(self, rows: Rows, said: str) -> Rows:
        """Ended, or both."""
        return rows.filter(held__upper_inf=False) if said == "ended" else rows


AGE_FROM = Coalesce("rotated_at", "created_at")  # since when the secret is the same, as far as known


class CredentialFilter(ListFilter):
    """Of credentials; without a word about `gone` those that are there."""

    first = ("q", "system", "kind", "older")
    far = frozenset({"system", "who"})
    q = words_of(_("Search"), _("fingerprint begins with"))
    system = choice(_("System"), [])
    kind = choice(_("Kind"), Credential.Kind.choices)
    older = days_of(_("Older than, in days"))
    expires_before = day_of(_("Expires before"))
    no_expiry = tick(_("Never expires, or unknown"))
    weak = tick(_("Weak"))
    storage = words_of(_("Kept in"), _("vault"))
    unused_before = day_of(_("Last used before"))
    who = words_of(_("Whose"), _("name, address or number"))
    gone = choice(_("There or gone"), [("gone", _("gone")), ("all", _("both"))], _("there"))

    def narrow(self, rows: Rows) -> Rows:
        """Those that are there, unless asked for others."""
        return super().narrow(rows if self.asked.get("gone") else rows.filter(gone_run=None))

    def by_q(self, rows: Rows, words: str) -> Rows:
        """The public fingerprint begins so, whatever the case."""
        begins_so: Rows = rows.alias(folded=Lower("fingerprint")).filter(folded__startswith=words.lower())
        return begins_so

    def by_system(self, rows: Rows, code: str) -> Rows:
        """Of accounts there."""
        return rows.filter(account__system=self.systems[code])

    def by_kind(self, rows: Rows, kind: str) -> Rows:
        """One kind."""
        return rows.filter(kind=kind)

    def by_older(self, rows: Rows, days: int) -> Rows:
        """Neither made nor rotated since; an unknown age is not old."""
        old: Rows = rows.alias(age_from=AGE_FROM).filter(age_from__lt=moment.now() - timedelta(days=days))
        return old

    def by_expires_before(self, rows: Rows, day: date) -> Rows:
        """Its end is earlier than that day."""
        return rows.filter(expires_at__lt=begins(day))

    def by_no_expiry(self, rows: Rows, _said: bool) -> Rows:
        """No end is known."""
        return rows.filter(expires_at=None)

    def by_weak(self, rows: Rows, _said: bool) -> Rows:
        """A reason is known why it should not be in use."""
        return rows.exclude(weakness="")

    def by_storage(self, rows: Rows, words: str) -> Rows:
        """Where it is kept, as far as known; `unknown` for the others."""
        return rows.filter(storage="") if words == UNKNOWN else rows.filter(storage__containing=words)

    def by_unused_before(self, rows: Rows, day: date) -> Rows:
        """Unknown last use is not unused."""
        return rows.filter(last_used_at__lt=begins(day))

    def by_who(self, rows: Rows, words: str) -> Rows:
        """Of identities called so."""
        return rows.filter(account__identity__in=Identity.objects.filter(people_called(words)).values("pk"))

    def by_gone(self, rows: Rows, said: str) -> Rows:
        """Proved gone, or both."""
        return rows.filter(gone_run__isnull=False) if said == "gone" else rows
