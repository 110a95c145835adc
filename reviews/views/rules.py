"""The rules, how each is set and why, and who may change that."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.ui.render import page
from portal.users.guards import allowed, require
from portal.users.models import User
from portal.users.permissions import Perm
from reviews.forms.findings import RuleForm
from reviews.models import Evaluation, Finding, RuleVersion
from reviews.rules import RULES, controls, settings
from reviews.rules.rule import Number, Rule
from reviews.services import rules

HISTORY = 50


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule with what it finds now."""
    require(request.user, Perm.INVENTORY_VIEW)
    kept = settings.shown()
    open_, accepted = (Q(state=state) for state in (Finding.State.OPEN, Finding.State.ACCEPTED))
    rows = Finding.objects.present().values_list("rule").order_by()
    counts = {
        code: (opened, lived)
        for code, opened, lived in rows.annotate(
            opened=Count("pk", filter=open_), lived=Count("pk", filter=accepted)
        )
    }
    context = {
        "rows": [(rule, kept[code], *counts.get(code, (0, 0))) for code, rule in RULES.items()],
        "latest": Evaluation.objects.order_by("-at").first(),
        "may_manage": allowed(request.user, Perm.RULE_MANAGE),
    }
    return page(request, "reviews/rule_list.html", context)


@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, code: str) -> HttpResponse:
    """One rule: why it is asked, which controls it speaks to, how it is set and was set."""
    require(request.user, Perm.INVENTORY_VIEW)
    if code not in RULES:
        raise Http404
    shown, setting = RULES[code], settings.shown()[code]
    form = RuleForm(shown, setting, request.POST or None)
    if request.method == "POST":
        require(request.user, Perm.RULE_MANAGE)
        if form.is_valid() and _change(request, code, form):
            return redirect("rule", code)
    found = Finding.objects.filter(rule=code)
    context = {
        "rule": shown,
        "setting": setting,
        "thresholds": _values(shown, shown.current(setting.thresholds)),
        "form": form if allowed(request.user, Perm.RULE_MANAGE) else None,
        "versions": [(one, _values(shown, one.thresholds)) for one in _versions(code)],
        "controls": controls.current().of_rule(code),
        "counts": found.aggregate(
            open=Count("pk", filter=Q(state=Finding.State.OPEN)),
            accepted=Count("pk", filter=Q(state=Finding.State.ACCEPTED)),
        ),
    }
    return page(request, "reviews/rule.html", context, status=422 if form.errors else 200)


@require_POST
def rules_ask(request: HttpRequest) -> HttpResponse:
    """Have all rules asked now."""
    require(request.user, Perm.RULE_MANAGE)
    rules.ask_now(by=cast(User, request.user))
    messages.success(request, _("The rules are being asked. What changed shows in a moment."))
    return redirect("rule_list")


def _versions(code: str) -> "QuerySet[RuleVersion]":
    return RuleVersion.objects.filter(code=code).select_related("set_by").order_by("-number")[:HISTORY]


def _values(shown: Rule, values: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """Thresholds by what they are called, as they are said."""
    return [
        (one.label, f"{values[name]} {one.unit}" if isinstance(one, Number) else ", ".join(values[name]))
        for name, one in shown.thresholds.items()
        if name in values
    ]


def _change(request: HttpRequest, code: str, form: RuleForm) -> bool:
    """Whether it was set; what the rule refuses stands at the form."""
    try:
        rules.change_setting(
            code,
            is_on=form.cleaned_data["is_on"],
            severity=form.cleaned_data["severity"],
            thresholds=form.thresholds(),
            because=form.cleaned_data["because"],
            version=form.cleaned_data["version"],
            by=cast(User, request.user),
        )
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return False
    messages.success(request, _("Set. The rule is being asked again."))
    return True
