"""Verbs about saved views: filters that somebody wants to come back to, for themselves alone."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import SavedView
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.users.models import User

MOST = 50  # of one list
LONGEST_QUERY = 1000


@transaction.atomic
def save(name: str, *, page: str, query: str, by: User) -> SavedView:
    """Keep the filter of a list by a name of one's own; the same name again means the new filter."""
    if len(query) > LONGEST_QUERY:
        raise ValidationError(_("This filter is too long to be kept. Take some of it out."))
    mine = SavedView.objects.filter(user=by, page=page)
    if not mine.filter(name=name).exists() and mine.count() >= MOST:
        raise ValidationError(
            _("You keep %(most)d views of this list. Delete one that you no longer need.") % {"most": MOST}
        )
    kept, _is_new = SavedView.objects.update_or_create(
        user=by, page=page, name=name, defaults={"query": query}, create_defaults={
            "query": query, "created_at": moment.now()
        }
    )  # fmt: skip
    # Neither its name nor its filter: both may name somebody, and the log keeps what it holds.
    record(Verb.VIEW_SAVED, kept, actor=by.actor, facts={"page": page})
    return kept


@transaction.atomic
def delete(view: SavedView, *, by: User) -> None:
    """Forget it; the list itself is as it was."""
    record(Verb.VIEW_DELETED, view, actor=by.actor, facts={"page": view.page})
    view.delete()
