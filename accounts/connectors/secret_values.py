"""Values that are secrets wherever they stand: private keys, access keys, tokens, password hashes."""

import math
import re
from collections import Counter

# What must occur (cheap to look for in a million rows) and the pattern it then has to match.
_KNOWN = tuple(
    (anchor, re.compile(pattern))
    for anchor, pattern in (
        ("PRIVATE KEY", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),  # PEM, OpenSSH, PGP
        ("PuTTY-User-Key-File", r"PuTTY-User-Key-File-"),
        ("AGE-SECRET-KEY", r"AGE-SECRET-KEY-1"),
        ("gh", r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
        ("github_pat_", r"github_pat_[A-Za-z0-9_]{30,}"),
        ("glpat-", r"glpat-[A-Za-z0-9_-]{20,}"),
        ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("k_live_", r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
        ("AIza", r"\bAIza[A-Za-z0-9_-]{35}"),
        ("hv", r"\bhv[sb]\.[A-Za-z0-9_-]{20,}"),  # Vault tokens
        (".ey", r"\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\."),  # JSON web tokens
        ("Q~", r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),  # Entra client secrets
        ("$", r"\$(?:2[abxy]|[156y]|apr1|argon2(?:id|i|d)|pbkdf2[\w-]*)\$[^\s,;]{8,}"),  # crypt(3) hashes
        ("}", r"(?i)\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2[\w-]*|CLEARTEXT)\}\S{4,}"),  # LDAP userPassword schemes
        ("://", r"://[^\s/:@]{1,100}:[^\s/@]{1,100}@"),  # a password inside an address
    )
)
# Forty characters of base64 are how AWS writes a secret access key; a SHA-1 is forty characters too, in hex.
_FORTY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
# The same runs of bytes between spaces: to look for a long one first is much faster than the pattern.
_RUNS = bytes(n if chr(n).isascii() and (chr(n).isalnum() or chr(n) in "/+=") else 0x20 for n in range(256))
_RANDOM_BITS = 4.3  # names in words stay below, random base64 above


def holds_secret(value: str) -> bool:
    """True if something in this text can be used to sign in."""
    if len(value) < 12:
        return False
    if any(anchor in value and pattern.search(value) for anchor, pattern in _KNOWN):
        return True
    return _has_long_run(value) and any(_is_random(run) for run in _FORTY.findall(value))


def _has_long_run(value: str) -> bool:
    return (
        len(value) >= 40
        and max(map(len, value.encode("utf-8", "replace").translate(_RUNS).split()), default=0) >= 40
    )


def _is_random(run: str) -> bool:
    if not (
        any(c.isdigit() for c in run) and any(c.isupper() for c in run) and any(c.islower() for c in run)
    ):
        return False
    return -sum(n / 40 * math.log2(n / 40) for n in Counter(run).values()) >= _RANDOM_BITS
