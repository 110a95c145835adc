"""The rules of correlation: how they are set, and what they would do before they are."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms.correlation import RuleForm
from accounts.models import Account, CorrelationRule, Identity
from accounts.models.correlation import sure
from accounts.reconciliation.correlating import SAMPLES, Outcome
from accounts.services import correlation
from accounts.views.identities import me
from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm


@require_GET
def correlation_rules(request: HttpRequest) -> HttpResponse:
    """Every rule in its order, and what each proposes now."""
    require(request.user, Perm.INVENTORY_VIEW)
    proposals = CorrelationRule.objects.proposals()
    rules = list(CorrelationRule.objects.select_related("system").in_order())
    context = {
        "rows": [(rule, proposals.get(str(rule.pk), 0)) for rule in rules],
        "sure": sure(),
        "may_manage": allowed(request.user, Perm.INVENTORY_MANAGE),
    }
    return page(request, "accounts/correlation_rules.html", context)


@require_http_methods(["GET", "POST"])
def correlation_rule(request: HttpRequest, pk: Any) -> HttpResponse:
    """One rule: set otherwise, with a look at what that would do before it is saved."""
    require(request.user, Perm.INVENTORY_MANAGE)
    return _set(request, get_object_or_404(CorrelationRule.objects.select_related("system"), pk=pk))


@require_http_methods(["GET", "POST"])
def correlation_rule_new(request: HttpRequest) -> HttpResponse:
    """One more rule, with the same look."""
    require(request.user, Perm.INVENTORY_MANAGE)
    return _set(request, None)


def _set(request: HttpRequest, rule: CorrelationRule | None) -> HttpResponse:
    shown = rule or CorrelationRule(of=CorrelationRule.Of.LOGIN, confidence=50)
    form = RuleForm(request.POST or None, instance=shown, version=rule.version if rule else None)
    outcome: Outcome | None = None
    if request.method == "POST" and form.is_valid():
        if "save" in request.POST and form.was_looked_at:
            if _saved(request, rule, form):
                return redirect("correlation_rules")
        else:
            outcome = correlation.look(rule, form.values)
    context = {
        "rule": rule,
        "form": form,
        "outcome": outcome,
        "examples": _examples(outcome, me(request)) if outcome else [],
        "most": SAMPLES,
        "sure": sure(),
    }
    return page(request, "accounts/correlation_rule.html", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, rule: CorrelationRule | None, form: RuleForm) -> bool:
    """Whether it was set; what the service refuses stands at the form."""
    by = me(request)
    try:
        if rule is None:
            correlation.add_rule(form.values, by=by)
        else:
            version = form.cleaned_data["version"] or 0  # a form without one has seen nothing
            correlation.change_rule(rule, form.values, version=version, by=by)
    except ValidationError as refusal:
        form.add_error(None, ValidationError(refusal.messages))
        return False
    messages.success(request, _("Set. Accounts are being linked and proposed by it now."))
    return True


def _examples(outcome: Outcome, user: User) -> list[dict[str, Any]]:
    """Each account of the look with whom it would get, or who would be proposed."""
    wanted = {claim.identity_id for one in outcome.examples for claim in one.claims}
    wanted |= {one.identity_id for one in outcome.examples if one.identity_id}
    people = Identity.objects.visible_to(user).in_bulk(wanted)
    seen = Account.objects.visible_to(user).select_related("system")
    accounts = seen.in_bulk([one.account_id for one in outcome.examples])
    doubts = dict(Account.Doubt.choices)
    return [
        {
            "account": accounts[one.account_id],
            "person": people.get(one.identity_id) if one.identity_id else None,
            "confidence": one.confidence,
            "doubt": doubts.get(one.doubt, ""),
            "claims": [
                (people.get(claim.identity_id), claim.confidence, doubts.get(claim.doubt, ""))
                for claim in one.claims
            ],
        }
        for one in outcome.examples
        if one.account_id in accounts
    ]
