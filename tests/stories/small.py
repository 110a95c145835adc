"""A review of three lines, for stories that are not about how it came to be."""

from datetime import timedelta

from portal import moment
from portal.users.roles import Role
from reviews.services import campaigns
from tests.factories import inventory, people


def launch() -> None:
    """Ines asks Tomas about three rights of two people; Aiko removes what goes."""
    tomas, leon, aiko, ines = (
        inventory.identity(name, email=f"{name.split()[0].lower()}@nordhaven.test")
        for name in ("Tomas Brandt", "Leon Weiss", "Aiko Mori", "Ines Falk")
    )
    core = inventory.system("CORE", owner=leon)
    core.carriers.add(aiko)
    reading = inventory.run(inventory.source(core))
    for name, right in (
        ("Jon Smith", "LEDGER_POST"),
        ("Dana Kovac", "DB_ROOT"),
        ("Dana Kovac", "LEDGER_ADMIN"),
    ):
        holder = inventory.identity(f"{name}, {right}", manager=tomas)
        account = inventory.account(core, holder, first_run=reading)
        inventory.grant(account, inventory.entitlement(core, right, first_run=reading))
    people.user("Tomas Brandt", identity=tomas)
    people.user("Aiko Mori", Role.CARRIER, identity=aiko)
    user = people.user("Ines Falk", Role.COMPLIANCE, identity=ines)
    draft = campaigns.create(
        name="Q4 privileged access",
        systems=[core],
        kinds=["human"],
        fallback=ines,
        due_at=moment.now() + timedelta(days=14),
        by=user,
    )
    campaigns.launch(draft, version=draft.version, by=user)
