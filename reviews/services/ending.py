"""Items that end by themselves: what a reading has proved gone needs no decision."""

from uuid import UUID

from django.db import connection, transaction

from portal import moment
from portal.audit import canonical
from portal.audit.services import PORTAL, Actor, record
from portal.audit.verbs import Verb
from reviews.models import Campaign


@transaction.atomic
def refresh_ended(campaign: Campaign, *, actor: Actor = PORTAL) -> int:
    """End the undecided items whose right or credential a reading has proved gone. Returns how many."""
    if campaign.state != Campaign.State.LAUNCHED:
        return 0
    at = moment.now()
    count, digest = _end_what_is_gone(campaign)
    if count:
        facts = {"campaign": campaign.code, "count": count, "sha256": digest, "ended_as": "no_longer"}
        record(Verb.ITEM_ENDED, campaign, actor=actor, at=at, stream=campaign.pk, facts=facts)
    return count


def refresh_all_ended() -> None:
    """The same for every running campaign."""
    for campaign in Campaign.objects.running():
        refresh_ended(campaign)


def _end_what_is_gone(campaign: Campaign) -> tuple[int, bytes]:
    """Mark undecided items whose subject a reading proved gone, and take them off their shares' totals.

    A share's total counts what is to be decided; the campaign's own count stays as it was frozen.
    """
    with connection.cursor() as cursor:
        cursor.execute(_END, {"campaign": campaign.pk})
        ended = sorted(cursor.fetchall())
        by_share: dict[UUID, int] = {}
        for _number, _run, share in ended:
            by_share[share] = by_share.get(share, 0) + 1
        # In one order everywhere, so that two of these never wait for each other.
        for share in sorted(by_share):
            cursor.execute(_TAKE_OFF, {"share": share, "count": by_share[share]})
    return canonical.digest_of_many({"number": number, "run": run, "v": 1} for number, run, _share in ended)


# An item of a share that was signed off stays as it was signed.
_END = """
UPDATE reviews_reviewitem item SET ended_as = 'no_longer', ended_run = gone.run
FROM (
  SELECT i.id, coalesce(g.known_to_run_id, c.gone_run_id) AS run
  FROM reviews_reviewitem i JOIN reviews_assignment share ON share.id = i.assignment_id
  LEFT JOIN accounts_grant g ON g.id = i.grant_id
  LEFT JOIN accounts_credential c ON c.id = i.credential_id
  WHERE i.campaign_id = %(campaign)s AND i.verdict = '' AND i.ended_as = '' AND share.signed_off_at IS NULL
    AND coalesce(g.known_to_run_id, c.gone_run_id) IS NOT NULL
) gone
WHERE item.id = gone.id AND item.verdict = '' AND item.ended_as = ''
RETURNING item.number, item.ended_run, item.assignment_id
"""
_TAKE_OFF = """
UPDATE reviews_assignment SET total = total - %(count)s, version = version + 1 WHERE id = %(share)s
"""
