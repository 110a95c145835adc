"""Every part in every state, with long names, none, three and many: to look at, and for the tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from portal import moment
from portal.ui import errors, render
from portal.ui.states import STATES

LONG: Final = "svc-intercompany-settlement-reconciliation-nightly-eu-central-1-production-blue"


@dataclass(frozen=True)
class Somebody:
    """An identity as the parts need it: a name and a kind."""

    name: str
    kind: str = "human"
    line: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Row:
    """One line of the example table."""

    who: Somebody
    right: str
    code: str
    system: str
    last_used: datetime | None
    state: str


@dataclass(frozen=True)
class Place:
    """One entry of the rail."""

    label: str
    url: str
    count: int = 0
    is_current: bool = False


PEOPLE: Final = (
    Somebody("ci-deploy-pay", "workload", "workload · owner Leon Weiss, deputy Samir Haddad"),
    Somebody("Dana Kovac", "human", "Database engineer, since 2021"),
    Somebody(LONG, "service", "service · rhythm yearly · owner Maximiliane von Hohenstein-Rübenach"),
    Somebody("agent-triage", "agent", "AI agent · owner Chiara Neri"),
    Somebody("bot-recon", "bot", "bot · owner Dana Kovac, no deputy"),
    Somebody("int-fxvendor", "integration", "integration · contract ended"),
)


class ExampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(help_text="As it stands on the System, for example svc-settlement.", max_length=60)
    purpose = forms.CharField(widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(
        choices=[("service", "service"), ("workload", "workload"), ("agent", "AI agent")]
    )
    due = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}), help_text="The last day of the review."
    )
    reviewer = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[("manager", "Manager of the person"), ("owner", "Owner of the machine identity")],
        help_text="Nobody decides on their own access.",
    )
    systems = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        required=False,
        choices=[("DIR", "DIR"), ("AWS-PAY", "AWS-PAY"), ("CORE", "CORE"), ("JUMP", "JUMP")],
    )
    extract = forms.FileField(
        help_text="CSV in UTF-8, at most 2 GB. Secret columns are cut out while reading."
    )
    privileged_only = forms.BooleanField(required=False, help_text="Leaves everything else out, and says so.")

    def clean(self) -> dict[str, Any]:
        """A mistake of the whole form."""
        if self.cleaned_data.get("name") == "taken":
            raise ValidationError("This review has no reviewer for 3 items; choose who decides on them.")
        return dict(self.cleaned_data)


def _rows(at: datetime, count: int) -> list[Row]:
    rights = (
        (
            "Do anything in the payments AWS account",
            "AdministratorAccess",
            "AWS-PAY",
            at - timedelta(hours=4),
            "privileged",
        ),
        ("Become root on the ledger server", "root@core01", "JUMP", at - timedelta(days=2), "standing"),
        ("Post the yearly settlement", "ZFI_CLOSE", "CORE", at - timedelta(days=200), "unused"),
        ("Read alerts and open tickets", "triage-reader", "DIR", None, "held"),
    )
    rows = []
    for number in range(count):
        words, code, system, used, state = rights[number % len(rights)]
        rows.append(Row(PEOPLE[number % len(PEOPLE)], words, code, system, used, state))
    return rows


def _frame() -> dict[str, Any]:
    return {
        "navigation": [
            Place("Posture", "#", is_current=True),
            Place("My reviews", "#", 24),
            Place("My machine identities", "#", 5),
            Place("Campaigns", "#", 1),
            Place("Evidence packs", "#"),
            Place("Sessions", "#"),
            Place("Findings", "#", 1037),
            Place("Audit trail", "#"),
        ],
        "organisation_name": settings.ORGANISATION,
    }


@login_not_required
def parts(request: HttpRequest) -> HttpResponse:
    """All parts on one page."""
    at = moment.now()
    if request.GET.get("say"):
        messages.success(request, "The reading of CORE was applied: 412 accounts, 3 gone.")
        messages.warning(request, "Two rows were rejected; the reading proves nothing for their accounts.")
        messages.error(request, "AWS-PAY was not read: the file is not the output it claims to be.")
    many = Paginator(_rows(at, 312), 25)
    bound = ExampleForm(auto_id="wrong_%s", data={"name": "taken", "kind": "robot", "due": "32 May"})
    context = {
        **_frame(),
        "at": at,
        "due": at + timedelta(days=6),
        "long": LONG,
        "people": PEOPLE,
        "states": [(code, look) for code, look in STATES.items()],
        "three": _rows(at, 3),
        "page": many.get_page(request.GET.get("page")),
        "form": ExampleForm(),
        "wrong_form": bound,
    }
    return render.page(request, "styleguide.html", context, fragment="components/_empty.html")


@login_not_required
def review(request: HttpRequest) -> HttpResponse:
    """The densest page: a review, with the bar that stays and decisions by key."""
    at = moment.now()
    return render.page(request, "styleguide_review.html", {**_frame(), "rows": _rows(at, 8), "at": at})


@login_not_required
def wrong(request: HttpRequest, name: str) -> HttpResponse:
    """The pages for what goes wrong, by the number of the answer."""
    pages = {
        "400": lambda: errors.bad_request(request, ValueError()),
        "403": lambda: errors.forbidden(request),
        "404": lambda: errors.not_found(request),
        "409": lambda: render.conflict(
            request, ["Samir Haddad decided Keep at 10:42.", "The due date moved to 2 October."]
        ),
        "413": lambda: errors.too_large(request, "2 GB"),
        "422": lambda: render.problem(
            request,
            422,
            "This can’t be launched yet",
            "Three items have no reviewer.",
            action_label="Choose reviewers",
            action_url="#",
        ),
        "500": lambda: errors.server_error(request),
        "csrf": lambda: errors.csrf_failure(request),
    }
    if name not in pages:
        raise Http404
    return pages[name]()
