"""Which identity of the inventory has an address."""

from uuid import UUID

from accounts.models import Identity
from portal.users.ports import identity_by_email


@identity_by_email.answered_by("inventory")
def by_email(email: str) -> UUID | None:
    """The one person here with this address; none where there are two."""
    found = list(
        Identity.objects.human().active().filter(email__iexact=email).values_list("pk", flat=True)[:2]
    )
    return found[0] if len(found) == 1 else None
