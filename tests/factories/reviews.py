"""A small organisation with something to review, and campaigns over it made by the services."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Account, Entitlement, Grant, Identity, ImportRun, System
from portal import moment
from portal.audit.models import Event, Payload
from portal.users.models import User
from portal.users.roles import Role
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import campaigns
from tests.factories import inventory, people

KINDS = [kind.value for kind in Identity.Kind]


@dataclass
class Bank:
    """One system, one reading; Tomas manages whoever is hired, Leon owns the system, Ines is the fallback."""

    everybody: people.People
    system: System
    reading: ImportRun
    leon: User

    @property
    def tomas(self) -> Identity:
        """The manager's identity."""
        return people.identity_of(self.everybody.tomas)

    @property
    def ines(self) -> Identity:
        """The fallback's identity."""
        return people.identity_of(self.everybody.ines)

    def hire(self, name: str = "", **fields: Any) -> Identity:
        """A person under Tomas, unless said otherwise."""
        return inventory.identity(name, **({"manager": self.tomas} | fields))

    def machine(self, name: str = "", **fields: Any) -> Identity:
        """A service account of nobody, unless an owner is given."""
        return inventory.identity(name, **({"kind": "service"} | fields))

    def account(self, identity: Identity | None, **fields: Any) -> Account:
        """An account on the system, shown by its one reading."""
        return inventory.account(self.system, identity, first_run=self.reading, **fields)

    def right(self, name: str = "", **fields: Any) -> Entitlement:
        """A right on the system, privileged unless said otherwise."""
        return inventory.entitlement(self.system, name, first_run=self.reading, **fields)

    def grant(self, identity: Identity | None, right: Entitlement | None = None, **fields: Any) -> Grant:
        """An account of this identity that holds the right."""
        return inventory.grant(self.account(identity), right or self.right(), **fields)

    def campaign(self, **fields: Any) -> Campaign:
        """A draft over the system."""
        values: dict[str, Any] = {
            "name": "Q3 privileged access",
            "systems": [self.system],
            "kinds": KINDS,
            "fallback": self.ines,
            "due_at": moment.now() + timedelta(days=14),
            "by": self.everybody.ines,
        }
        return campaigns.create(**(values | fields))

    def launched(self, **fields: Any) -> Campaign:
        """A campaign that runs."""
        draft = self.campaign(**fields)
        return campaigns.launch(draft, version=draft.version, by=self.everybody.ines)

    def launched_with(self, count: int, **fields: Any) -> Campaign:
        """A running campaign over as many people with one right each, all of them Tomas's to decide."""
        right = self.right()
        for _ in range(count):
            self.grant(self.hire(), right)
        return self.launched(**fields)


def bank(everybody: people.People, code: str = "CORE") -> Bank:
    """The organisation of these tests."""
    leon = people.user("Leon Weiss", identity=inventory.identity("Leon Weiss"))
    system = inventory.system(code, owner=people.identity_of(leon))
    return Bank(everybody, system, inventory.run(inventory.source(system)), leon)


def item_of(campaign: Campaign, grant: Grant) -> ReviewItem:
    """The item that judges a grant."""
    items = ReviewItem.objects.select_related("campaign", "assignment")
    return items.get(campaign=campaign, grant_id=grant.pk)


def grant_behind(item: ReviewItem) -> Grant:
    """The grant that an item judges."""
    return Grant.objects.select_related("account", "entitlement").get(pk=item.grant_id or 0)


def facts_of(event: Event) -> dict[str, Any]:
    """What the log keeps of an act."""
    facts: dict[str, Any] = Payload.objects.get(event=event).facts or {}
    return facts


def share_of(campaign: Campaign, reviewer: Identity) -> Assignment:
    """A reviewer's share."""
    return Assignment.objects.get(campaign=campaign, reviewer=reviewer)


def reviewer_user(name: str, *roles: Role, **fields: Any) -> User:
    """Somebody with an identity who can sign in."""
    return people.user(name, *roles, identity=inventory.identity(name, **fields))


def days_ago(days: float) -> datetime:
    """Before now."""
    return moment.now() - timedelta(days=days)
