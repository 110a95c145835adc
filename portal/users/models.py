"""Who signs in to the portal, people and machines alike; accounts *on systems* are in the app `accounts`."""

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from portal import moment
from portal.audit.models import uuid7
from portal.audit.services import Actor
from portal.users.permissions import Perm
from portal.users.roles import permissions_of


class UserManager(BaseUserManager["User"]):
    """Making users is a service; this only finds them."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """E-mail addresses are compared folded."""
        return self.get(email__iexact=username or "")

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A row without an event, for allauth and tests; the portal itself uses `services.create`."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """A person or machine that signs in; linked to an Identity of the inventory by its id."""

    class Kind(models.TextChoices):
        """People have passwords and factors, machines have tokens."""

        PERSON = "person", _("person")
        MACHINE = "machine", _("machine")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PERSON)
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    # Soft: identities live in a higher room. NULL for users who are nobody in the inventory (an auditor).
    identity_id = models.UUIDField(null=True, blank=True)
    roles = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    # In the session hash, in tokens and in signed links: one UPDATE ends them all.
    access_epoch = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    card = models.BinaryField(null=True, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_one_person"),
            models.UniqueConstraint(fields=["identity_id"], name="user_is_one_identity"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django ends sessions on a new password; we also end them when the epoch moves.
        key_salt = "portal.users.User.session"
        return salted_hmac(
            key_salt, f"{self.password}|{self.access_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def permissions(self) -> frozenset[Perm]:
        """What the roles hold; rows may add to it, see `guards.require`."""
        return permissions_of(self.roles) if self.is_active else frozenset()

    def may(self, perm: Perm) -> bool:
        """By role alone."""
        return perm in self.permissions

    @property
    def actor(self) -> Actor:
        """Who acts, as the log wants it."""
        return Actor(
            "person" if self.kind == self.Kind.PERSON else "machine",
            str(self.pk),
            self.name,
            bytes(self.card) if self.card else None,
        )


class TokenQuerySet(models.QuerySet["Token"]):
    """Tokens that would be let in."""

    def usable(self, at: datetime) -> Self:
        """Neither expired nor revoked, of an active user and of this epoch."""
        return self.filter(
            expires_at__gt=at,
            revoked_at=None,
            user__is_active=True,
            access_epoch=models.F("user__access_epoch"),
        )


class Token(models.Model):
    """What a machine shows instead of a password. Only its SHA-256 is kept; it always expires."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="tokens")
    label = models.CharField(max_length=100)
    digest = models.BinaryField(unique=True)
    prefix = models.CharField(max_length=12)  # shown in lists so that a token can be recognised
    # Each is a kind of act, or one bound to a row: `import:<key of a source>`.
    scopes = ArrayField(models.CharField(max_length=64))
    access_epoch = models.PositiveIntegerField()
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("issued_at")), name="token_expires_after_issue"
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> bytes:
        """The secret has 256 random bits, so a plain hash is enough."""
        return hashlib.sha256(secret.encode()).digest()

    def opens(self, scope: str) -> bool:
        """Acts of this kind, of any row or of some; which ones is asked of `bound_to`."""
        return any(one.partition(":")[0] == scope for one in self.scopes)

    def bound_to(self, scope: str) -> set[str]:
        """The keys of the rows that acts of this kind are bound to."""
        return {
            key for kind, _colon, key in (one.partition(":") for one in self.scopes) if kind == scope and key
        }

    @property
    def kinds(self) -> list[str]:
        """The kinds of acts, each once, for lists."""
        return sorted({one.partition(":")[0] for one in self.scopes})

    @property
    def is_usable(self) -> bool:
        """For lists; the door asks the database."""
        return self.revoked_at is None and self.expires_at > moment.now() and self.user.is_active


# What can be asked of a second person.
ACTIONS = {
    "release_import": _("Let a reading end more than one person may let it end"),
    "release_recordings": _("Release recordings into an evidence pack"),
}


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Approvals by state."""

    def waiting(self) -> Self:
        """Nobody has answered yet."""
        return self.filter(decided_at=None)

    def of(self, subject: models.Model) -> Self:
        """Asked about this row."""
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))


class Approval(models.Model):
    """Four eyes: one asks, another grants or refuses. The database refuses the same person twice."""

    class Verdict(models.TextChoices):
        """The answer."""

        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    action = models.CharField(max_length=32)
    subject_type = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    reason = models.TextField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True)
    remark = models.TextField(blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("asked_by")),
                name="approval_needs_four_eyes",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_at=None, decided_by=None, verdict="")
                | models.Q(decided_at__isnull=False, decided_by__isnull=False) & ~models.Q(verdict=""),
                name="approval_is_decided_whole_or_not",
            ),
            models.UniqueConstraint(
                fields=["action", "subject_type", "subject_id"],
                condition=models.Q(decided_at=None),
                name="approval_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type}:{self.subject_id}"

    @property
    def action_label(self) -> str:
        """In words; an action of a higher room that is not listed shows its code."""
        return str(ACTIONS.get(self.action, self.action))


class Share(UserObjectPermissionBase):
    """A guardian row with an end: this user may see this one thing until then. Concrete in higher rooms."""

    until = models.DateTimeField()
    shared_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    shared_at = models.DateTimeField()

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True

    @classmethod
    def give(cls, thing: models.Model, user: User, *, until: datetime, by: User, at: datetime) -> Self:
        """Let `user` see `thing` until then; giving again moves the end."""
        kind = ContentType.objects.get_for_model(thing)
        permission = Permission.objects.get(content_type=kind, codename=f"view_{thing._meta.model_name}")
        values = {"until": until, "shared_by": by, "shared_at": at}
        key: dict[str, Any] = {"content_object": thing, "user": user, "permission": permission}
        given: Self = cls._default_manager.update_or_create(**key, defaults=values)[0]
        return given
