"""Evidence packs: asked for, watched while they are built, fetched."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.inventory import ShareForm
from portal.audit.versions import as_seen
from portal.tasks import progress
from portal.ui.render import page, problem
from portal.users.guards import allowed, require
from portal.users.models import Approval, User
from portal.users.permissions import Perm
from portal.vault import services as vault
from reviews.forms.packs import PackForm, ReleaseForm
from reviews.models import Campaign, EvidencePack, PackShare
from reviews.packs.build import progress_key
from reviews.services import packs

PER_PAGE = 50


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


@require_GET
def pack_list(request: HttpRequest) -> HttpResponse:
    """Every pack this person may fetch."""
    shown = EvidencePack.objects.visible_to(request.user).select_related("campaign").newest_first()
    found = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    return page(
        request,
        "reviews/pack_list.html",
        {"packs": found, "may_build": allowed(request.user, Perm.PACK_BUILD)},
    )


@require_http_methods(["GET", "POST"])
def pack_new(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a pack of a campaign."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), code=code)
    require(request.user, Perm.PACK_BUILD)
    form = PackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = packs.request(campaign, by=me(request), **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return redirect("pack", made.code)
    return page(request, "reviews/pack_new.html", {"campaign": campaign, "form": form})


@require_GET
def pack(request: HttpRequest, code: str) -> HttpResponse:
    """One pack: how far it is, what it holds, and how to check it offline."""
    shown = _find(request, code)
    approval = Approval.objects.of(shown).select_related("asked_by", "decided_by").first()
    may_release = allowed(request.user, Perm.RECORDING_RELEASE) or allowed(request.user, Perm.APPROVAL_DECIDE)
    waits = approval is not None and approval.decided_at is None
    may_build = allowed(request.user, Perm.PACK_BUILD)
    context = {
        "pack": shown,
        "approval": approval,
        "asks_me": waits and may_release and approval is not None and approval.asked_by_id != me(request).pk,
        "progress": progress.of(progress_key(shown)),
        "is_moving": shown.state in {EvidencePack.State.REQUESTED, EvidencePack.State.BUILDING} and not waits,
        "may_build": may_build,
        "share_form": ShareForm() if may_build and shown.state == EvidencePack.State.READY else None,
        "shares": PackShare.objects.filter(content_object=shown).select_related("user") if may_build else [],
        "requested_by": User.objects.filter(pk=shown.requested_by_id).first(),
    }
    return page(request, "reviews/pack.html", context, fragment="reviews/_pack_state.html")


@require_POST
def pack_release(request: HttpRequest, code: str) -> HttpResponse:
    """The second person's answer about the recordings."""
    shown = _find(request, code)
    if not allowed(request.user, Perm.RECORDING_RELEASE):
        require(request.user, Perm.APPROVAL_DECIDE)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose to release or to refuse."))
    verdict = Approval.Verdict(form.cleaned_data["verdict"])
    packs.answer_release(shown, verdict, remark=form.cleaned_data["remark"], by=me(request))
    messages.success(request, _("Your answer is recorded."))
    return redirect("pack", shown.code)


@require_POST
def pack_again(request: HttpRequest, code: str) -> HttpResponse:
    """Build a failed pack again."""
    shown = _find(request, code)
    require(request.user, Perm.PACK_BUILD)
    packs.try_again(shown, version=as_seen(request.POST.get("version")), by=me(request))
    return redirect("pack", shown.code)


@require_POST
def pack_share(request: HttpRequest, code: str) -> HttpResponse:
    """Share a ready pack with an auditor."""
    shown = _find(request, code)
    require(request.user, Perm.PACK_BUILD)
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose an auditor and the day the share ends."))
    made = packs.share(shown, form.cleaned_data["user"], until=form.cleaned_data["until"], by=me(request))
    messages.success(request, _("%(name)s may fetch this pack.") % {"name": made.user})
    return redirect("pack", shown.code)


@require_GET
def pack_file(request: HttpRequest, code: str) -> HttpResponseBase:
    """The zip, verified before a byte leaves, and written to the log as a disclosure."""
    shown = _find(request, code)
    if shown.state != EvidencePack.State.READY or shown.blob is None:
        raise Http404
    try:
        file = vault.open_verified(shown.blob)
    except vault.Altered:
        words = _(
            "The vault no longer holds the bytes that were built. Tell whoever runs the portal at once."
        )
        return problem(request, 409, _("This pack was altered"), words)
    packs.fetched(shown, by=me(request))
    response = FileResponse(
        file, as_attachment=True, filename=f"{shown.code}.zip", content_type="application/zip"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _find(request: HttpRequest, code: str) -> EvidencePack:
    visible = EvidencePack.objects.visible_to(request.user).select_related("campaign", "blob")
    if allowed(request.user, Perm.RECORDING_RELEASE):
        # Whoever may release must see what they release, and only that.
        asked = Approval.objects.waiting().filter(action=packs.RELEASE).values_list("subject_id", flat=True)
        visible = visible | EvidencePack.objects.filter(pk__in=list(asked)).select_related("campaign", "blob")
    return get_object_or_404(visible, code=code)
