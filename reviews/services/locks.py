"""Decisions go on side by side; launching and closing a campaign wait for them and keep them out."""

from uuid import UUID

from django.db import connection

# Advisory, so that no row is hot: a decision on one item never waits for one on another.
_SPACE = 7_462_100


def beside_others(campaign_id: UUID) -> None:
    """Until the end of the transaction the campaign is neither launched nor closed."""
    _take("pg_advisory_xact_lock_shared", str(campaign_id))


def alone(campaign_id: UUID) -> None:
    """Until the end of the transaction nobody else decides, signs off, launches or closes in the campaign."""
    _take("pg_advisory_xact_lock", str(campaign_id))


def numbering() -> None:
    """Until the end of the transaction nobody else gives a campaign its code."""
    _take("pg_advisory_xact_lock", "campaign codes")


def _take(how: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {how}(%s, hashtext(%s))", [_SPACE, name])
