"""The audit trail: every act, filtered, newest first."""

from datetime import datetime, time, timedelta
from typing import cast
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import CharField, Q
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from accounts.models import OffboardingCase
from portal.audit.models import Event, EventQuerySet
from portal.audit.verbs import Verb
from portal.ui.render import page
from portal.users.guards import require
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.views import trail_words

PER_PAGE = 100


@require_GET
def trail(request: HttpRequest) -> HttpResponse:
    """Compliance reads what was done, by whom, to what, when."""
    require(request.user, Perm.AUDIT_VIEW)
    asked = {key: request.GET.get(key, "").strip() for key in ("verb", "actor", "subject", "since", "until")}
    seen = _seen_by(cast(User, request.user), _asked_for(asked))
    found = Paginator(seen, PER_PAGE).get_page(request.GET.get("page"))
    events = list(found)
    actors, subjects = trail_words.actors(events), trail_words.subjects(events, cast(User, request.user))
    context = {
        "lines": [
            (
                event,
                actors[event.pk],
                subjects.get(event.about),
                trail_words.kind_of(event),
                trail_words.facts(event),
            )
            for event in events
        ],
        "events": found,
        "asked": asked,
        "verbs": list(Verb),
        "is_filtered": any(asked.values()),
    }
    return page(request, "reviews/trail.html", context)


@require_GET
def event(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One line of the log with its facts, and the bytes its commitment binds."""
    require(request.user, Perm.AUDIT_VIEW)
    events = _seen_by(cast(User, request.user), Event.objects.select_related("payload"))
    shown = get_object_or_404(events, uid=uid)
    body = bytes(shown.payload.body).decode() if shown.payload.body else ""
    context = {
        "event": shown,
        "facts": sorted((shown.payload.facts or {}).items()),
        "body": body,
        "commitment": bytes(shown.commitment).hex(),
        "salt": bytes(shown.payload.salt).hex() if shown.payload.salt else "",
        "name": trail_words.actors([shown])[shown.pk],
        "subject": trail_words.subjects([shown], cast(User, request.user)).get(shown.about),
        "kind": trail_words.kind_of(shown),
    }
    return page(request, "reviews/trail_event.html", context)


def _seen_by(user: User, events: EventQuerySet) -> EventQuerySet:
    """Without the lines of offboardings whose hour has not come: that one is planned is confidential too."""
    known = OffboardingCase.objects.visible_to(user).annotate(key=Cast("pk", CharField())).values("key")
    planned = Q(subject_type=OffboardingCase._meta.label_lower) & ~Q(subject_id__in=known)
    return events.exclude(planned)


def _asked_for(asked: dict[str, str]) -> EventQuerySet:
    events = Event.objects.select_related("payload").newest_first()
    if asked["verb"]:
        events = events.filter(verb__startswith=asked["verb"])
    if asked["actor"]:
        events = events.filter(actor_id__in=_actors(asked["actor"]))
    if asked["subject"]:
        kind, _separator, key = asked["subject"].partition(":")
        events = events.filter(subject_type=kind, **({"subject_id": key} if key else {}))
    return events.between(_midnight(asked["since"]), _midnight(asked["until"], days_later=1))


def _midnight(text: str, *, days_later: int = 0) -> datetime | None:
    """Midnight of a day in the portal's zone; nonsense filters nothing, and the field shows it."""
    try:
        day = parse_date(text)
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day + timedelta(days=days_later), time.min))
    except (ValueError, OverflowError):  # well formed, but no such day
        return None


def _actors(words: str) -> list[str]:
    """Users by name or address; the portal itself has no id."""
    users = User.objects.filter(name__icontains=words) | User.objects.filter(email__icontains=words)
    return [str(key) for key in users.values_list("pk", flat=True)[:200]]
