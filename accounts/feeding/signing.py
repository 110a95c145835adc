"""The signature of a system under a file that it pushes: HMAC-SHA256 with a secret of the source's own.

What is signed are six lines: `portal-push-v1`, the source's name in the environment, the file's SHA-256 in
hex, `taken_at` and `count` as they are sent, and the filter, which may go over several lines and so stands
last. An old file under its old signature is older than what is applied, and refused for it; so `taken_at` has
to be there.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.feeding import environment
from accounts.models import Source

VERSION = "portal-push-v1"
SHORTEST = 32  # characters of a secret


class SignatureRefused(Exception):
    """The file is not what the system signed, or it says too little; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claim:
    """What comes with a file, as it was sent."""

    sha256: str
    taken_at: str
    count: str = ""
    filter_text: str = ""
    signature: str = ""


def is_expected(source: Source) -> bool:
    """A source that has a secret signs everything, so that a stolen token alone pushes nothing."""
    return bool(_secret(source))


def verify(source: Source, claim: Claim) -> bool:
    """Whether the system signed it; raises SignatureRefused where that is wrong, or missing and due."""
    secret = _secret(source)
    if not claim.signature:
        if secret:
            raise SignatureRefused(
                "signature_missing", _("This source signs what it pushes, and the signature is missing.")
            )
        return False
    if not secret:
        raise SignatureRefused(
            "signature_unknown",
            _("The portal has no secret to check the signature with, so it means nothing."),
        )
    if len(secret) < SHORTEST:
        raise SignatureRefused(
            "secret_too_short",
            _("The secret of this source is shorter than %(n)d characters. Set a longer one on both sides.")
            % {"n": SHORTEST},
        )
    if not claim.taken_at:
        raise SignatureRefused(
            "taken_at", _("A signed file says when it was read at the source: send “taken_at”.")
        )
    if not hmac.compare_digest(signature(secret, source.inbox, claim), claim.signature.strip().lower()):
        raise SignatureRefused(
            "signature_wrong",
            _("The signature does not fit. Check the secret, and that exactly what is sent was signed."),
        )
    return True


def signature(secret: str, name: str, claim: Claim) -> str:
    """In hex."""
    lines = [VERSION, name, claim.sha256, claim.taken_at, claim.count, claim.filter_text]
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def _secret(source: Source) -> str:
    return environment.secrets(environment.PUSH, source, ["SECRET"]).get("SECRET", "")
