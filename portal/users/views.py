"""Portal users, machines' tokens, and requests that wait for a second person."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal import moment
from portal.audit.versions import Conflict
from portal.ui.render import page
from portal.users import services
from portal.users.forms import AnswerForm, RolesForm, TokenForm, UserForm
from portal.users.guards import allowed, require
from portal.users.linking import free_identity
from portal.users.models import Approval, Token, User
from portal.users.permissions import Perm
from portal.users.roles import LABELS, Role

PER_PAGE = 50

# What approvals speak of, by label: the name of its page, and what of the row that page's address takes.
PAGES = {
    "accounts.importrun": ("import_run", "pk"),
    "accounts.offboardingcase": ("offboarding", "code"),
    "accounts.source": ("source", "pk"),
    "accounts.system": ("system", "code"),
    "reviews.campaign": ("campaign", "code"),
    "reviews.evidencepack": ("pack", "code"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an approval is about: its name, and its page where this person may open it."""

    name: str
    url: str = ""


def me(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


def no_such_page(_request: HttpRequest) -> HttpResponse:
    """A page of allauth's that the portal does not have."""
    raise Http404


@require_GET
def user_list(request: HttpRequest) -> HttpResponse:
    """Who signs in to the portal, with which roles."""
    require(request.user, Perm.USER_MANAGE)
    words = request.GET.get("q", "").strip()
    users = User.objects.order_by("name", "email")
    if words:
        users = users.filter(Q(name__icontains=words) | Q(email__icontains=words))
    found = Paginator(users, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(shown, [LABELS[Role(role)] for role in shown.roles if role in set(Role)]) for shown in found]
    return page(request, "users/user_list.html", {"users": found, "rows": rows, "words": words})


@require_http_methods(["GET", "POST"])
def user_new(request: HttpRequest) -> HttpResponse:
    """Make a portal user."""
    require(request.user, Perm.USER_MANAGE)
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = services.create(
            email=given["email"],
            name=given["name"],
            kind=User.Kind(given["kind"]),
            roles=[Role(role) for role in given["roles"]],
            identity_id=free_identity(given["email"]),
            actor=me(request).actor,
        )
        messages.success(request, _("%(name)s may sign in now.") % {"name": made.name})
        return redirect("user", made.pk)
    return page(request, "users/user_new.html", {"form": form})


@require_http_methods(["GET", "POST"])
def user(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One portal user: roles, tokens, and ending their sign-in."""
    require(request.user, Perm.USER_MANAGE)
    found = get_object_or_404(User, pk=pk)
    form = RolesForm(request.POST or None, initial={"roles": found.roles, "seen": ",".join(found.roles)})
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["seen"] != ",".join(found.roles):
            raise Conflict(found)
        roles = [Role(role) for role in form.cleaned_data["roles"]]
        try:
            services.set_roles(found, roles, actor=me(request).actor, by=me(request))
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("The roles are changed."))
            return redirect("user", found.pk)
    tokens = found.tokens.order_by("-issued_at")
    return page(
        request, "users/user.html", {"shown": found, "form": form, "tokens": tokens, "labels": LABELS}
    )


@require_POST
def user_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End somebody's sign-in, their sessions and tokens at once."""
    require(request.user, Perm.USER_MANAGE)
    found = get_object_or_404(User, pk=pk, is_active=True)
    if found.pk == me(request).pk:
        raise ValidationError(_("You can't end your own sign-in; ask another administrator."))
    services.end_sign_in(found, actor=me(request).actor, at=moment.now(), because="administrator")
    messages.success(request, _("%(name)s can't sign in any more.") % {"name": found.name})
    return redirect("user", found.pk)


@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """Machines' tokens: issue and revoke. The secret is shown once."""
    require(request.user, Perm.TOKEN_MANAGE)
    form, secret = TokenForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        token, secret = services.issue_token(
            given["user"], label=given["label"], scopes=given["scopes"], days=given["days"], by=me(request)
        )
        messages.success(request, _("The token %(prefix)s… is issued.") % {"prefix": token.prefix})
        form = TokenForm()
    tokens = Token.objects.select_related("user", "issued_by").order_by("-issued_at")
    found = Paginator(tokens, PER_PAGE).get_page(request.GET.get("page"))
    return page(request, "users/token_list.html", {"tokens": found, "form": form, "secret": secret})


@require_POST
def token_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The token opens nothing from now on."""
    require(request.user, Perm.TOKEN_MANAGE)
    services.revoke_token(get_object_or_404(Token, pk=pk), actor=me(request).actor)
    messages.success(request, _("The token is revoked."))
    return redirect("token_list")


@require_GET
def approval_list(request: HttpRequest) -> HttpResponse:
    """Requests that wait for a second person, and those answered."""
    require(request.user, Perm.APPROVAL_DECIDE)
    approvals = Approval.objects.select_related("asked_by", "decided_by").order_by("-asked_at")
    answered = Paginator(approvals.exclude(decided_at=None), PER_PAGE).get_page(request.GET.get("page"))
    waiting, done = list(approvals.waiting()), list(answered)
    about = _subjects([*waiting, *done], me(request))
    context = {
        "waiting": [(one, about.get(one.pk)) for one in waiting],
        "answered": answered,
        "lines": [(one, about.get(one.pk)) for one in done],
    }
    return page(request, "users/approval_list.html", context)


def _subjects(approvals: list[Approval], user: User) -> dict[UUID, Subject]:
    """What each is about: named for whoever asked or answers, linked for whoever may open its page."""
    found = {}
    for label, (page_name, key) in PAGES.items():
        some = [approval for approval in approvals if approval.subject_type == label]
        if not some:
            continue
        rows: Any = apps.get_model(label)._default_manager.filter(pk__in={one.subject_id for one in some})
        by_key = {str(row.pk): row for row in rows}
        seen = {str(found_key) for found_key in rows.visible_to(user).values_list("pk", flat=True)}
        for approval in some:
            row = by_key.get(approval.subject_id)
            opens = approval.subject_id in seen or _releases(approval, user)
            if row is not None and (opens or user.pk in {approval.asked_by_id, approval.decided_by_id}):
                url = reverse(page_name, args=[getattr(row, key)]) if opens else ""
                found[approval.pk] = Subject(str(row), url)
    return found


def _releases(approval: Approval, user: User) -> bool:
    """Whoever may release recordings sees what they are asked to release, until it is answered."""
    is_asked = approval.decided_at is None and approval.action == "release_recordings"
    return is_asked and allowed(user, Perm.RECORDING_RELEASE)


@require_POST
def approval_answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Grant or refuse what another asked."""
    require(request.user, Perm.APPROVAL_DECIDE)
    approval = get_object_or_404(Approval, pk=pk)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose to grant or to refuse."))
    verdict = Approval.Verdict(form.cleaned_data["verdict"])
    services.answer(approval, verdict, by=me(request), remark=form.cleaned_data["remark"])
    messages.success(request, _("Your answer is recorded."))
    return redirect("approval_list")
