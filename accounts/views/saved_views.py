"""Keeping the filter of a list under a name, and forgetting it again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms.saved_views import SavedViewForm
from accounts.models import SavedView
from accounts.services import saved_views
from accounts.views import account_list, credential_list, grant_list, identities, lists, systems
from accounts.views.identities import me

LISTINGS: dict[str, lists.Listing[Any]] = {
    part.LISTING.url_name: part.LISTING
    for part in (identities, account_list, grant_list, credential_list, systems)
}


@require_POST
def saved_view_new(request: HttpRequest) -> HttpResponse:
    """Keep the filter that the form carries; only what the list itself understands."""
    listing = LISTINGS.get(request.POST.get("page", ""))
    if listing is None:
        raise Http404
    user, given = me(request), QueryDict(request.POST.get("query", ""))
    query = lists.kept_query(listing, listing.form(given, user), given.get("sort", ""))
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 80 letters."))
    else:
        try:
            kept = saved_views.save(form.cleaned_data["name"], page=listing.url_name, query=query, by=user)
            messages.success(request, _("Kept as “%(name)s”.") % {"name": kept.name})
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
    return redirect(f"{reverse(listing.url_name)}?{query}" if query else reverse(listing.url_name))


@require_POST
def saved_view_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget one of one's own."""
    view = get_object_or_404(SavedView.objects.filter(user=me(request)), pk=pk)
    there = reverse(view.page) if view.page in LISTINGS else reverse("home")
    saved_views.delete(view, by=me(request))
    messages.success(request, _("“%(name)s” is deleted. The list is as it was.") % {"name": view.name})
    return redirect(there)
