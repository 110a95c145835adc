"""What leaves as a file stands in the log: which list, by which filter, how many rows, and the digest."""

from collections.abc import Mapping

from django.db import transaction

from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.exports import Exported, Tell
from portal.users.models import User


@transaction.atomic
def exported(page: str, found: Exported, *, form: str, query: Mapping[str, str], by: User) -> None:
    """A list left the portal as `form` (csv, xlsx). `page` is the name of its URL, `query` its filter.

    Of a file whose reader went away in the middle the digest is that of what had left, and it says so.
    """
    facts = {
        "page": page,
        "format": form,
        "query": dict(query),
        "rows": found.rows,
        "sha256": found.sha256,
        "is_whole": found.is_whole,
    }
    record(Verb.LIST_EXPORTED, by, actor=by.actor, facts=facts)


def told(page: str, *, form: str, query: Mapping[str, str], by: User) -> Tell:
    """For `portal.exports`: what it calls when the file has been written."""
    return lambda found: exported(page, found, form=form, query=query, by=by)
