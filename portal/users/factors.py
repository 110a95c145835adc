"""Second factors: seeds are sealed before they reach the database, so that a copy of it makes no codes."""

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no type information
    """Sealed under PORTAL_SECRET_KEY; earlier keys in SECRET_KEY_FALLBACKS still open what they sealed."""

    def encrypt(self, text: str) -> str:
        """Seal a seed."""
        return _seals().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again."""
        return _seals().decrypt(encrypted_text.encode()).decode()


def _seals() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = (hashlib.sha256(b"portal.users.factors|" + force_bytes(key)).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
