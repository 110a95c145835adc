"""Campaigns: defined, looked at before launch, watched, chased, shared, closed."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import System
from accounts.services import joiners
from accounts.views.identities import people
from portal import moment
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.permissions import Perm
from reviews.forms.campaigns import CampaignForm, CloseForm, LaunchForm, ShareForm, UnshareForm
from reviews.models import Assignment, Campaign, CampaignShare, ReviewItem, SignOff
from reviews.services import campaigns, closing, population, results
from reviews.views import rows
from reviews.views.my_reviews import me

PER_PAGE = 50
MOVERS_DUE = timedelta(days=21)


def seen_campaign(request: HttpRequest, code: str) -> Campaign:
    """A campaign that this person may see, or 404."""
    return get_object_or_404(Campaign.objects.visible_to(request.user).select_related("fallback"), code=code)


@require_GET
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Every campaign this person may see, the newest first."""
    shown = Campaign.objects.visible_to(request.user).newest_first()
    shown = shown.annotate(to_decide=Sum("assignments__total"), decided=Sum("assignments__decided"))
    context = {
        "campaigns": Paginator(shown, PER_PAGE).get_page(request.GET.get("page")),
        "may_manage": allowed(request.user, Perm.CAMPAIGN_MANAGE),
        "at": moment.now(),
    }
    return page(request, "reviews/campaign_list.html", context)


@require_http_methods(["GET", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Define a campaign."""
    require(request.user, Perm.CAMPAIGN_MANAGE)
    initial = {"privileged_only": True, "with_credentials": True, "evidence_days": 90, "kinds": ["human"]}
    form = CampaignForm(request.POST or None, initial=initial | _of_movers(request.GET.get("movers", "")))
    if request.method == "POST" and form.is_valid():
        try:
            made = campaigns.create(**form.values(), by=me(request))
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return redirect("campaign_preview", made.code)
    return page(request, "reviews/campaign_form.html", {"form": form, "people": people()})


def _of_movers(key: str) -> dict[str, Any]:
    """What is known beforehand of a campaign about the people whom one HR reading moved."""
    wave = next((one for one in joiners.waves() if str(one.run.pk) == key), None)
    if wave is None:
        return {}
    day = timezone.localtime(wave.run.taken_at or wave.run.received_at).date()
    words = {"day": f"{day:%Y-%m-%d}", "count": wave.movers, "source": wave.run.source.name}
    return {
        "name": _("Movers of %(day)s") % words,
        "purpose": _(
            "On %(day)s %(source)s moved %(count)d people to another unit, manager or job. What they held for"
            " their old work is looked at once: keep what the new one needs."
        )
        % words,
        "privileged_only": False,
        "with_credentials": False,
        "systems": list(System.objects.values_list("pk", flat=True)),
        "due_on": timezone.localtime(moment.now()).date() + MOVERS_DUE,
    }


@require_http_methods(["GET", "POST"])
def campaign_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change a draft."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    form = CampaignForm(request.POST or None, initial=_initial(shown))
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        try:
            campaigns.edit(shown, version=-1 if version is None else version, by=me(request), **form.values())
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return redirect("campaign_preview", shown.code)
    return page(request, "reviews/campaign_form.html", {"form": form, "campaign": shown, "people": people()})


def _initial(shown: Campaign) -> dict[str, Any]:
    names = "version name purpose kinds privileged_only with_credentials session_reach evidence_days"
    return {name: getattr(shown, name) for name in names.split()} | {
        "systems": [system.pk for system in shown.systems.all()],
        "fallback": shown.fallback.email or shown.fallback.name,
        "due_on": timezone.localtime(shown.due_at).date(),
    }


@require_GET
def campaign(request: HttpRequest, code: str) -> HttpResponse:
    """One campaign: what it ended, how complete it is, who is late; of a draft what is next."""
    shown = seen_campaign(request, code)
    if shown.state == Campaign.State.DRAFT:
        return redirect("campaign_preview", shown.code)
    shares = (
        Assignment.objects.filter(campaign=shown, items__isnull=False).distinct().select_related("reviewer")
    )
    items = ReviewItem.objects.filter(campaign=shown)
    counts = results.counts(items)
    context = {
        "campaign": shown,
        "shares": Paginator(shares.order_by("signed_off_at", "reviewer__name", "pk"), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "counts": counts,
        "to_decide": counts["total"] - counts["no_longer"],
        "decided": counts["total"] - counts["no_longer"] - counts["undecided"],
        "ended": closing.ended_by(shown),
        "sources": shown.population_sources.order_by("pk"),
        "excluded": shown.exclusions.count(),
        "digest": bytes(shown.population_root or b"").hex(),
        "closing": SignOff.objects.filter(campaign=shown, kind=SignOff.Kind.MANAGEMENT).first(),
        "readers": CampaignShare.objects.filter(content_object=shown, until__gt=moment.now()).select_related(
            "user"
        ),
        "share_form": ShareForm() if allowed(request.user, Perm.CAMPAIGN_MANAGE) else None,
        "may_manage": allowed(request.user, Perm.CAMPAIGN_MANAGE),
        "at": moment.now(),
    }
    return page(request, "reviews/campaign_page.html", context)


@require_GET
def campaign_preview(request: HttpRequest, code: str) -> HttpResponse:
    """What is in the review and what is left out, and why; of a draft with the way to launch it."""
    shown = seen_campaign(request, code)
    return page(request, "reviews/campaign_population.html", _population_context(request, shown))


@transaction.atomic  # the gathered table lives as long as the transaction: one gathering for counts and rows
def _population_context(
    request: HttpRequest, shown: Campaign, form: LaunchForm | None = None
) -> dict[str, Any]:
    found = campaigns.preview(shown)
    may_launch = shown.state == Campaign.State.DRAFT and allowed(request.user, Perm.CAMPAIGN_MANAGE)
    if form is None and may_launch:
        form = LaunchForm(reds=found.reds, initial={"version": shown.version, "seen": found.fingerprint})
    tab = "out" if request.GET.get("tab") == "out" else "in"
    reason = request.GET.get("why", "") if tab == "out" else ""
    reason = reason if reason in population.LEFT_OUT else ""
    total = found.total
    if tab == "out":
        total = sum(part.count for part in found.left_out if not reason or part.code == reason)
    pages = Paginator(range(total), PER_PAGE).get_page(request.GET.get("page"))
    offset = max(pages.start_index() - 1, 0)
    if tab == "out":
        listed = population.page_left_out(shown, code=reason, offset=offset, limit=PER_PAGE)
    else:
        listed = population.page_of_items(shown, offset=offset, limit=PER_PAGE)
    return {
        "campaign": shown,
        "population": found,
        "form": form if may_launch else None,
        "tab": tab,
        "reason": reason,
        "listed": listed,
        "pages": pages,
        "rules": population.RULES,
        "was_reviewed_before": bool(rows.reviewed_before(shown)),
        "reasons": population.LEFT_OUT,
        "may_manage": allowed(request.user, Perm.CAMPAIGN_MANAGE),
    }


@require_POST
def campaign_launch(request: HttpRequest, code: str) -> HttpResponse:
    """Freeze what was looked at and give it to its reviewers."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    reds = campaigns.preview(shown).reds if shown.state == Campaign.State.DRAFT else []
    form = LaunchForm(request.POST, reds=reds)
    if form.is_valid():
        version, seen = form.cleaned_data["version"], form.cleaned_data["seen"]
        try:
            campaigns.launch(shown, version=version, by=me(request), exceptions=form.exceptions(), seen=seen)
        except ValidationError as refusal:
            shown.refresh_from_db()
            form.add_error(None, refusal)
        else:
            text = ngettext(
                "Launched with %(count)d item.", "Launched with %(count)d items.", shown.item_count
            )
            messages.success(request, text % {"count": shown.item_count})
            return redirect("campaign", shown.code)
    return page(request, "reviews/campaign_population.html", _population_context(request, shown, form))


@require_POST
def campaign_chase(request: HttpRequest, code: str) -> HttpResponse:
    """Write to those who have not signed off."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    told = campaigns.chase(shown, by=me(request))
    text = ngettext("%(count)d reviewer was written to.", "%(count)d reviewers were written to.", told)
    messages.success(request, text % {"count": told})
    return redirect("campaign", shown.code)


@require_POST
def campaign_share(request: HttpRequest, code: str) -> HttpResponse:
    """Let somebody see this campaign until a date."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    form = ShareForm(request.POST)
    if not form.is_valid():
        raise ValidationError([error for errors in form.errors.values() for error in errors])
    campaigns.share(shown, user=form.cleaned_data["user"], until=form.until(), by=me(request))
    messages.success(request, _("Shared with %(name)s.") % {"name": form.cleaned_data["user"]})
    return redirect("campaign", shown.code)


@require_POST
def campaign_unshare(request: HttpRequest, code: str) -> HttpResponse:
    """End somebody's share now."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    form = UnshareForm(shown, request.POST)
    if form.is_valid():
        campaigns.unshare(shown, user=form.cleaned_data["user"], by=me(request))
        messages.success(
            request, _("%(name)s does not see it any more.") % {"name": form.cleaned_data["user"]}
        )
    return redirect("campaign", shown.code)


@require_http_methods(["GET", "POST"])
def campaign_close(request: HttpRequest, code: str) -> HttpResponse:
    """Acknowledge the counted results and close."""
    shown = seen_campaign(request, code)
    require(request.user, Perm.CAMPAIGN_MANAGE)
    if shown.state != Campaign.State.LAUNCHED:
        raise ValidationError(_("Only a running campaign can be closed."))
    campaigns.refresh_ended(shown)
    ready = closing.readiness(shown)
    form = CloseForm(request.POST or None, is_red=ready.is_red, initial={"version": shown.version})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            campaigns.close(
                shown,
                version=given["version"],
                statement=str(CloseForm.base_fields["confirmed"].label),
                exception=given.get("exception", ""),
                by=me(request),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Closed. Nothing in this campaign moves any more."))
            return redirect("campaign", shown.code)
    context = {"campaign": shown, "form": form, "ready": ready, "ended": closing.ended_by(shown)}
    return page(request, "reviews/campaign_close.html", context)


@require_GET
def campaign_items(request: HttpRequest, code: str) -> HttpResponse:
    """All items with what was decided: the rows behind the numbers."""
    shown = seen_campaign(request, code)
    items = ReviewItem.objects.filter(campaign=shown).select_related("campaign", "assignment__reviewer")
    verdict = request.GET.get("verdict", "")
    if verdict == "undecided":
        items = items.undecided()
    elif verdict == "no_longer":
        items = items.filter(ended_as="no_longer")
    elif verdict in ReviewItem.Verdict.values:
        items = items.filter(verdict=verdict)
    found = Paginator(items.order_by("number"), PER_PAGE).get_page(request.GET.get("page"))
    counts = results.counts(ReviewItem.objects.filter(campaign=shown))
    labels = [
        *ReviewItem.Verdict.choices,
        ("undecided", _("Not decided")),
        ("no_longer", _("No longer applies")),
    ]
    context = {
        "campaign": shown,
        "pages": found,
        "rows": rows.gather(list(found), user=me(request), at=moment.now()),
        "verdict": verdict,
        "verdicts": [(code, label, counts[code]) for code, label in labels if counts[code]],
        "total": counts["total"],
    }
    return page(request, "reviews/campaign_items.html", context)
