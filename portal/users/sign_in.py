"""How people come in: allauth's flows, closed to strangers."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.users import linking
from portal.users.models import User

# What allauth would tell the person by mail is what the log keeps: the occasion, the verb, and what it was.
OCCASIONS = {
    "account/email/password_changed": (Verb.USER_PASSWORD_CHANGED, {"how": "changed"}),
    "account/email/password_reset": (Verb.USER_PASSWORD_CHANGED, {"how": "reset link"}),
    "account/email/password_set": (Verb.USER_PASSWORD_CHANGED, {"how": "set"}),
    "mfa/email/recovery_codes_generated": (Verb.USER_FACTOR_ADDED, {"factor": "recovery_codes"}),
    "mfa/email/totp_activated": (Verb.USER_FACTOR_ADDED, {"factor": "totp"}),
    "mfa/email/totp_deactivated": (Verb.USER_FACTOR_REMOVED, {"factor": "totp"}),
    "mfa/email/webauthn_added": (Verb.USER_FACTOR_ADDED, {"factor": "webauthn"}),
    "mfa/email/webauthn_removed": (Verb.USER_FACTOR_REMOVED, {"factor": "webauthn"}),
    "socialaccount/email/account_connected": (Verb.USER_PROVIDER_CONNECTED, {}),
    "socialaccount/email/account_disconnected": (Verb.USER_PROVIDER_DISCONNECTED, {}),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no type information
    """Nobody signs up by themselves: portal users are made by an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth calls it so
        """Closed."""
        return False

    def pre_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse | None:
        """Machines show tokens; nobody comes in as one, whatever password it was given."""
        if user.kind != User.Kind.PERSON:
            refusal: HttpResponse = self.respond_user_inactive(request, user)
            return refusal
        answer: HttpResponse | None = super().pre_login(request, user, **options)
        return answer

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **options: Any) -> None:
        """Passwords, factors and providers that change stand in the log, whether or not a mail is sent.

        In the transaction of the change; of a new factor allauth tells only after its commit.
        """
        if template_prefix in OCCASIONS:
            verb, facts = OCCASIONS[template_prefix]
            with transaction.atomic():
                record(verb, user, actor=user.actor, facts=facts)
        super().send_notification_mail(template_prefix, user, *args, **options)

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        """Who signed in, and by which factors, stands in the log."""
        factors = [str(step.get("method")) for step in get_authentication_records(request, user)]
        with transaction.atomic():
            if user.identity_id is None:
                # HR's first reading may have come after the user; untied, own access is not known as such.
                linking.link(user, actor=PORTAL)
            record(Verb.USER_SIGNED_IN, user, actor=user.actor, facts={"factors": factors})
        response: HttpResponse = super().post_login(request, user, **options)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password on a user that exists; what was typed is never kept, unknown addresses neither."""
        super().authentication_failed(request, **credentials)
        user = User.objects.filter(email__iexact=credentials.get("email", "")).first()
        if user is not None:
            with transaction.atomic():
                record(Verb.USER_SIGN_IN_FAILED, user, actor=PORTAL, facts={"because": "credentials"})


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # likewise
    """Single sign-on connects to a user who is there already, by the address the provider verified."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002
        """Closed."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connect a first single sign-on; refuse one that belongs to nobody here."""
        if sociallogin.is_existing:
            return
        claims: dict[str, Any] = sociallogin.account.extra_data
        claims = claims.get("userinfo") or claims.get("id_token") or claims
        # An unverified address would let anybody who can set one at the provider become somebody here.
        email = claims.get("email") if claims.get("email_verified") is True else None
        user = User.objects.filter(email__iexact=email, is_active=True).first() if email else None
        if user is None or user.kind != User.Kind.PERSON:
            messages.error(request, _("Single sign-on worked, but you are not a portal user yet. Ask IAM."))
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.connect(request, user)
