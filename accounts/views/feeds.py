"""How readings of one source come without hands: set up, tried, read at once, and delivered with a token."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.feeds import FeedForm, SourceTokenForm
from accounts.models import Source
from accounts.services import feeds
from accounts.views.identities import me
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm


@require_http_methods(["GET", "POST"])
def source_feed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Rhythm, folder, what the portal reads itself, and whether a person has to look."""
    shown = _source_or_404(request, pk)
    form = FeedForm(request.POST or None, source=shown, initial=FeedForm.initial_of(shown))
    if request.method == "POST" and form.is_valid() and _saved(form, shown, request):
        messages.success(request, _("Saved. The next reading comes this way."))
        return redirect("source_feed", shown.pk)
    return _shown(request, shown, form=form, status=422 if form.errors else 200)


@require_POST
def source_try(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the system for the first pages, as the feed is set up, and keep nothing."""
    shown = _source_or_404(request, pk)
    try:
        return _shown(request, shown, tried=feeds.try_it(shown))
    except ValidationError as refusal:
        return _shown(request, shown, trouble=" ".join(refusal.messages))


@require_POST
def source_read(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have it read now."""
    shown = _source_or_404(request, pk)
    feeds.read_now(shown)
    messages.success(request, _("It is being read. The reading is listed here when it has come."))
    return redirect("source", shown.pk)


@require_POST
def source_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A token for a machine that delivers readings of this source alone; its secret is shown once."""
    shown = _source_or_404(request, pk)
    require(request.user, Perm.TOKEN_MANAGE)
    form = SourceTokenForm(request.POST)
    if not form.is_valid():
        return _shown(request, shown, token_form=form, status=422)
    given = form.cleaned_data
    token, secret = feeds.issue_token(
        shown, given["machine"], label=given["label"], days=given["days"], by=me(request)
    )
    messages.success(request, _("The token %(prefix)s… is issued.") % {"prefix": token.prefix})
    return _shown(request, shown, secret=secret)


def _source_or_404(request: HttpRequest, pk: UUID) -> Source:
    shown = get_object_or_404(Source.objects.visible_to(request.user).select_related("system"), pk=pk)
    require(request.user, Perm.INVENTORY_IMPORT)
    return shown


def _saved(form: FeedForm, source: Source, request: HttpRequest) -> bool:
    given = form.cleaned_data
    try:
        feeds.edit(
            source,
            every_hours=given["every_hours"],
            inbox=given["inbox"],
            pull=form.pull,
            applies_by_itself=given["applies_by_itself"],
            version=given["version"],
            by=me(request),
        )
    except ValidationError as refusal:
        form.refuse(refusal)
        return False
    return True


def _shown(request: HttpRequest, source: Source, *, status: int = 200, **context: Any) -> HttpResponse:
    form = context.pop("form", None) or FeedForm(source=source, initial=FeedForm.initial_of(source))
    shown = {
        "shown": source,
        "form": form,
        "inbox": feeds.folder_of(source),
        "secrets": feeds.secrets_of(source),
        "signs": feeds.signature_of(source),
        "tokens": feeds.tokens_of(source)[:50],
        "token_form": SourceTokenForm(),
        "may_issue": allowed(request.user, Perm.TOKEN_MANAGE),
    }
    return page(request, "accounts/source_feed.html", shown | context, status=status)
