"""Sessions with a sealed recording, as processing would leave them."""

from datetime import datetime, timedelta
from itertools import count

from accounts.models import Grant
from portal import moment
from portal.audit.models import uuid7
from portal.vault import services as vault
from sessions_app.models import Recording, Session, TranscriptChunk

_numbers = count(9_000)


def sealed_session(
    grant: Grant, cast: bytes, *, text: str = "", started_at: datetime | None = None
) -> Session:
    """A session made with this grant, ten minutes long, recorded."""
    at = started_at or moment.now() - timedelta(days=3)
    account = grant.account
    session = Session.objects.create(
        code=f"SES-{next(_numbers)}",
        system=grant.system,
        account=account,
        identity=account.identity,
        accountable=account.identity,
        grant=grant,
        started_at=at,
        ended_at=at + timedelta(minutes=10),
        match=Session.Match.GRANT,
        account_card=account.card,
        identity_card=account.identity.card if account.identity else None,
        as_filed={"account": account.name, "system": grant.system.code},
    )
    blob = vault.keep([cast], limit=1 << 20)
    recording = Recording.objects.create(
        session=session,
        blob=blob,
        sha256=blob.hexdigest,
        size=blob.size,
        format="asciicast",
        format_version=2,
        state=Recording.State.SEALED,
        delivered_by_id=uuid7(),
        received_at=at,
        processed_at=at,
    )
    if text:
        TranscriptChunk.objects.create(recording=recording, number=1, at_seconds=0, text=text)
    return session
