"""Mail about reviews: counts, dates and a link, never a name of a person, a right or a finding."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.outbox import services as outbox
from reviews.models import Assignment
from reviews.services import reviewers


def launched(assignments: Iterable[Assignment]) -> int:
    """A review has begun; once for each share."""
    return _post(assignments, "launched", _("A review waits for you"))


def due_soon(assignments: Iterable[Assignment]) -> int:
    """Once before the due date."""
    return _post(assignments, "soon", _("A review is due soon"))


def due(assignments: Iterable[Assignment]) -> int:
    """Once when the due date has come."""
    return _post(assignments, "due", _("A review is due"))


def chased(assignments: Iterable[Assignment], on: date) -> int:
    """Compliance asks for it; at most once a day."""
    return _post(assignments, f"chased:{on.isoformat()}", _("You are asked to finish a review"))


def passed_on(assignments: Iterable[Assignment], at: datetime) -> int:
    """Somebody passed items on to them."""
    return _post(assignments, f"passed:{at.isoformat()}", _("Items of a review were passed on to you"))


def _post(assignments: Iterable[Assignment], occasion: str, subject: str) -> int:
    """Post to each reviewer who has an address; returns how many messages stand."""
    shares = list(assignments)
    addresses = reviewers.address_of({share.reviewer_id for share in shares})
    posted = 0
    for share in shares:
        # A review is not held up by an address in the inventory that is none.
        with suppress(ValidationError):
            if address := addresses.get(share.reviewer_id):
                outbox.post(f"review:{share.pk}:{occasion}", to=address, subject=subject, body=_body(share))
                posted += 1
    return posted


def _body(share: Assignment) -> str:
    day = date_format(timezone.localtime(share.campaign.due_at), "j F Y")
    count = ngettext(
        "%(count)d item waits for your decision.", "%(count)d items wait for your decision.", share.left
    )
    link = settings.BASE_URL + reverse("assignment", args=[share.pk])
    return "\n\n".join(
        [count % {"count": share.left}, _("Please decide and sign off by %(day)s.") % {"day": day}, link]
    )
