"""What proves a directory account: its password by date, certificates and SSH keys by fingerprint."""

from collections.abc import Iterator
from datetime import UTC

from cryptography.hazmat.primitives import hashes

from accounts.connectors.ldif.accounts import Times, control, is_enabled
from accounts.connectors.ldif.certificates import certificate, certificate_weakness, ssh_key
from accounts.connectors.ldif.entries import Entry
from accounts.connectors.ldif.lines import Attribute
from accounts.connectors.ldif.values import day_number, filetime, generalized
from accounts.connectors.records import Credential, Rejected

_SET = (
    ("pwdlastset", filetime),
    ("pwdchangedtime", generalized),
    ("krblastpwdchange", generalized),
    ("shadowlastchange", day_number),
)
_ENDS = (
    ("msds-userpasswordexpirytimecomputed", filetime),
    ("krbpasswordexpiration", generalized),
    ("passwordexpirationtime", generalized),
)
_KEYS = ("sshpublickey", "ipasshpubkey")
_CERTIFICATES = ("usercertificate",)
WANTED = frozenset(
    {*(name for name, _ in _SET), *(name for name, _ in _ENDS), *_KEYS, *_CERTIFICATES, "useraccountcontrol"}
)
WANTED |= {"nsaccountlock", "ds-pwp-account-disabled", "logindisabled", "pwdaccountlockedtime"}
# Bits of userAccountControl that say something about the password, the worst first.
_BITS = (
    (0x20, "no password is required (PASSWD_NOTREQD)"),
    (0x80, "stored reversibly (ENCRYPTED_TEXT_PASSWORD_ALLOWED)"),
    (0x400000, "can be guessed without signing in (DONT_REQUIRE_PREAUTH)"),
    (0x200000, "DES keys only (USE_DES_KEY_ONLY)"),
    (0x10000, "never expires (DONT_EXPIRE_PASSWORD)"),
)


def credentials(entry: Entry, key: str) -> Iterator[Credential | Rejected]:
    """The credentials of an account; one that cannot be read is rejected by its line."""
    yield from _password(entry, key)
    seen: set[str] = set()
    for name in (*_CERTIFICATES, *_KEYS):
        for said in entry.values.get(name, ()):
            found = _certificate(said, key) if name in _CERTIFICATES else _ssh(said, key)
            if isinstance(found, Rejected):
                yield found
            elif found.fingerprint not in seen:
                seen.add(found.fingerprint)
                yield found


def _password(entry: Entry, key: str) -> Iterator[Credential | Rejected]:
    named = [entry.values[name][0] for name, _ in _SET if entry.values.get(name)]
    if not named:
        return
    times = Times(entry)
    bits = control(entry)
    # The text of a password's weakness is short: the worst two of what the account says.
    weak = [words for bit, words in _BITS if bits & bit][:2]
    yield Credential(
        account=key,
        kind="password",
        fingerprint="password",
        line=named[0].line,
        is_active=False if is_enabled(entry) is False else None,
        rotated_at=times.first(*_SET),
        expires_at=times.first(*_ENDS),
        is_slot=True,
        weakness="; ".join(weak)[:100] or None,
    )
    yield from times.problems


def _certificate(said: Attribute, key: str) -> Credential | Rejected:
    found = certificate(said.value)
    if found is None:
        return Rejected(
            said.line,
            "bad_certificate",
            f"{said.spelling} in line {said.line} is no X.509 certificate, so it is not read. Export it as "
            "base64.",
        )
    return Credential(
        account=key,
        kind="certificate",
        fingerprint=f"SHA256:{found.fingerprint(hashes.SHA256()).hex()}",
        line=said.line,
        created_at=found.not_valid_before_utc.astimezone(UTC),
        expires_at=found.not_valid_after_utc.astimezone(UTC),
        weakness=certificate_weakness(found),
    )


def _ssh(said: Attribute, key: str) -> Credential | Rejected:
    found = ssh_key(said.value)
    if found is None:
        return Rejected(
            said.line,
            "bad_ssh_key",
            f"{said.spelling} in line {said.line} is no SSH public key, so it is not read. Write it as in "
            "authorized_keys.",
        )
    return Credential(
        account=key, kind="ssh_key", fingerprint=found.fingerprint, line=said.line, weakness=found.weakness
    )
