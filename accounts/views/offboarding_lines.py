"""What compliance does with single lines of a running case: except, insist, hand over."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.offboarding import ExceptForm, HandOverForm
from accounts.forms.revocations import VersionForm
from accounts.models import CaseLine, OffboardingCase
from accounts.services import case_lines
from accounts.views.identities import people
from accounts.views.offboarding import me
from portal.ui.render import page
from portal.users.guards import require
from portal.users.permissions import Perm


@require_http_methods(["GET", "POST"])
def offboarding_except(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """This line stays until a day, because …"""
    line = _line(request, code, pk)
    form = ExceptForm.of(line, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            case_lines.except_line(
                line,
                because=given["because"],
                until=given["until"],
                version=given["version"],
                by=me(request),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("It is excepted in your name."))
            return redirect("offboarding", code)
    return page(request, "accounts/offboarding_except.html", {"case": line.case, "line": line, "form": form})


@require_POST
def offboarding_insist(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Ask for what waits for a decision."""
    line = _line(request, code, pk)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else 0
    case_lines.insist(line, version=version, by=me(request))
    messages.success(request, _("It is asked for."))
    return redirect("offboarding", code)


@require_http_methods(["GET", "POST"])
def offboarding_hand_over(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Name who answers for a machine or system from now on."""
    line = _line(request, code, pk)
    form = HandOverForm(request.POST or None, initial={"version": line.version})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            case_lines.hand_over(line, to=given["to"], version=given["version"], by=me(request))
        except ValidationError as refusal:
            form.add_error("to", refusal)
        else:
            messages.success(request, _("%(name)s answers for it now.") % {"name": given["to"]})
            return redirect("offboarding", code)
    context = {"case": line.case, "line": line, "form": form, "people": people()}
    return page(request, "accounts/offboarding_hand_over.html", context)


def _line(request: HttpRequest, code: str, pk: int) -> CaseLine:
    """A line of a case this person may see, if they may decide on it: HR sees no lines at all."""
    case = get_object_or_404(OffboardingCase.objects.visible_to(request.user), code=code)
    require(request.user, Perm.OFFBOARDING_EXCEPT)
    return get_object_or_404(case.lines.select_related("case__identity", "revocation"), pk=pk)
