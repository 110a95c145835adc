"""Links that set a new password: they end with the sign-in they were made for."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from portal.users.models import User


class ResetLinks(PasswordResetTokenGenerator):
    """The signature holds the access epoch: one UPDATE ends links together with sessions and tokens."""

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Only for people who may sign in; machines have tokens, and who has ended has nothing to reset."""
        is_open = user is not None and user.is_active and user.kind == User.Kind.PERSON
        return is_open and super().check_token(user, token)

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}|{user.access_epoch}"
