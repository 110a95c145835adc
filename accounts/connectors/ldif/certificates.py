"""Public keys of accounts: X.509 certificates and SSH keys by fingerprint, validity and weakness."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

_SSH = re.compile(
    r"(?:^|[\s,])(ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-[\w-]+|sk-[\w.@-]+|rsa-sha2-\d+) "
    r"+([A-Za-z0-9+/]{20,}={0,2})(?:\s|$)"
)
_WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
_SMALLEST_RSA = 2048


@dataclass(frozen=True, slots=True)
class SshKey:
    """A public key as `ssh-keygen -l` shows it."""

    fingerprint: str
    weakness: str | None


def certificate(value: str | bytes) -> x509.Certificate | None:
    """The certificate in a value (DER, or PEM as text); None if it is none."""
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    try:
        if data.lstrip().startswith(b"-----BEGIN CERTIFICATE"):
            return x509.load_pem_x509_certificate(data) if b"PRIVATE" not in data else None
        return x509.load_der_x509_certificate(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def certificate_weakness(found: x509.Certificate) -> str | None:
    """Why the certificate should not be in use."""
    try:
        key = found.public_key()
        signed = found.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_RSA:
        return f"RSA {key.key_size}"
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 224:
        return f"elliptic curve of {key.key_size} bits"
    if signed is not None and signed.name in _WEAK_HASHES:
        return f"signed with {signed.name.upper().replace('SHA1', 'SHA-1')}"
    return None


def ssh_key(value: str | bytes) -> SshKey | None:
    """The key in a line of `authorized_keys`, or in the bytes that it encodes; None if it is none."""
    if isinstance(value, bytes):
        try:
            said = value.decode("ascii")
        except UnicodeDecodeError:
            return _key(value)
        return ssh_key(said)
    found = _SSH.search(value.strip())
    try:
        blob = base64.b64decode(found[2] if found else value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return _key(blob)


def _key(blob: bytes) -> SshKey | None:
    fields = _fields(blob)
    if len(fields) < 2 or not re.fullmatch(rb"[a-z][\w.@-]{3,60}", fields[0]):
        return None
    kind = fields[0].decode()
    printed = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    weakness = "DSA" if kind == "ssh-dss" else None
    if kind == "ssh-rsa" and len(fields) > 2:
        bits = int.from_bytes(fields[2], "big").bit_length()
        weakness = f"RSA {bits}" if bits < _SMALLEST_RSA else None
    return SshKey(f"SHA256:{printed}", weakness)


def _fields(blob: bytes) -> list[bytes]:
    """The strings of an SSH wire format; none if the lengths do not come out even."""
    fields: list[bytes] = []
    at = 0
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4], "big")
        if at + 4 + size > len(blob):
            return []
        fields.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return fields
