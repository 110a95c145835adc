"""Cutting secrets out of LDIF, line by line: attributes by name, values by what stands in them.

A line without secrets is written as it came. A cut value leaves a remark in its place, as many lines long,
so that the lines below keep their numbers. Base64 is opened for the check; a value that nobody can look
into is not kept, unless the attribute is one that holds no secret. Remarks of the file are cut, apart from
what `ldapsearch` writes about its question and answer.
"""

import binascii
import re
from collections import Counter

from accounts.connectors import text
from accounts.connectors.connector import Cut, CutKind, Kept, Options, Sink
from accounts.connectors.ldif.certificates import certificate
from accounts.connectors.ldif.changes import Changes
from accounts.connectors.ldif.lines import (
    Attribute,
    Unfolded,
    attribute,
    is_noise,
    name_of,
    text_of,
    unfolded,
)
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.text import Readable

BATCH = 64 * 1024  # characters handed to the sink at once
WITHHELD = "(withheld)"  # in place of a line that is no attribute, so that reading rejects it
BROKEN = "!"  # in place of broken base64: no base64 either


def _each(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Secret by their schema, whatever their names look like.
SECRET = _each(
    "userpassword unicodepwd authpassword dbcspwd ntpwdhistory lmpwdhistory pwdhistory passwordhistory "
    "supplementalcredentials ms-mcs-admpwd mslaps-password mslaps-passwordhistory mslaps-encryptedpassword "
    "mslaps-encryptedpasswordhistory mslaps-encrypteddsrmpassword mslaps-encrypteddsrmpasswordhistory "
    "msds-managedpassword msds-executescriptpassword msfve-recoverypassword msfve-keypackage krbprincipalkey "
    "krbmkey krbextradata ipanthash ipanthashedpassword sambantpassword sambalmpassword sambapasswordhistory "
    "sambapreviouscleartextpassword sambacleartextpassword userpkcs12 trustauthincoming trustauthoutgoing "
    "initialauthincoming initialauthoutgoing currentvalue priorvalue ipatokenotpkey oathsecret olcrootpw "
    "rootpw "
    "olcsyncrepl olcdbidassertbind olcdbaclbind nissecretkey radiustunnelpassword radiussharedsecret "
    "orclpassword nspassword nsds5replicacredentials nsslapd-rootpw ds-pwp-retired-password "
    "ds-sync-hist msds-bitlockerrecoverypassword"
)
# They tell about a secret and hold none.
TELLS = _each(
    "pwdlastset pwdchangedtime pwdlastsuccess pwdaccountlockedtime pwdfailuretime pwdgraceusetime pwdreset "
    "pwdpolicysubentry pwdstarttime pwdendtime pwdaccounttmplockoutend badpwdcount badpasswordtime "
    "passwordexpirationtime passwordexpwarned passwordretrycount passwordallowchangetime "
    "krbpasswordexpiration krblastpwdchange krbpwdpolicyreference krbprincipalname krbcanonicalname "
    "ms-mcs-admpwdexpirationtime mslaps-passwordexpirationtime msds-userpasswordexpirytimecomputed "
    "msds-userpasswordexpiry msds-managedpasswordid msds-managedpasswordinterval "
    "msds-managedpasswordpreviousid "
    "msds-resultantpso sambapwdlastset sambapwdcanchange sambapwdmustchange sambabadpasswordcount "
    "sambabadpasswordtime ds-pwp-account-disabled ds-pwp-password-policy-dn ds-pwp-account-expiration-time "
    "shadowlastchange shadowmin shadowmax shadowwarning shadowinactive shadowexpire shadowflag pwdproperties "
    "pwdhistorylength pwdmaxage pwdminage pwdinhistory minpwdlength msds-passwordsettings "
    "ds-privilege-name aci olcaccess memberurl"
)
# Large, never looked at, or about a person's body.
UNUSED = _each(
    "jpegphoto thumbnailphoto thumbnaillogo photo audio logonhours userparameters usersmimecertificate"
)
# Bytes by their syntax; without them an entry could not be known again.
BINARY = _each(
    "objectguid objectsid sidhistory msexchmailboxguid ms-ds-consistencyguid ms-ds-creatorsid guid"
)
CERTIFICATES = _each("usercertificate cacertificate")
_SAYS = re.compile(
    r"(?i)\b(?:password|passwd|passphrase|passcode|passwort|kennwort|pwd|pw|pass|secret|token|api[ _-]?key|"
    r"pin|credentials?|mot de passe)\b"
    r"(?:\s*(?:[:=]|->|=>)\s*[\"'“„]?\S{3,}|\s+(?:is|was|ist|war|lautet|est)\s+[\"'“„]?(?=\S{0,60}[\d!@#$%&*?])\S{4,})"
)
_KEPT_REMARK = re.compile(
    r"#\s*(?:extended LDIF|LDAPv3|base <[^>]*> \(?(?:default\) )?with scope \w+|filter: .*|requesting: .*|"
    r"with .*paged.*|search result|search reference|num(?:Responses|Entries|References): \d+|refldap:.*)?\s*"
)


def says_secret(value: str) -> bool:
    """True if a text gives a password away in words: `initial pw: Summer2024`."""
    return holds_secret(value) or _SAYS.search(value) is not None


def admit(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Write the LDIF without its secrets; what is no list of entries is refused by line."""
    cutter, changes = _Cutter(), Changes()
    out: list[str] = []
    size, last = 0, 0
    for folded in unfolded(text.lines(stream, mapping.get("encoding"))):
        piece = cutter.line(folded, changes)
        out.append(piece)
        size += len(piece)
        last = folded.line + len(folded.raw) - 1
        if size >= BATCH:
            sink("".join(out).encode())
            out.clear()
            size = 0
    changes.end()
    if not cutter.entries:
        raise Unreadable(
            "no_entries",
            "No line begins with “dn:”, so there is no entry in the file. Check that it is the LDIF export.",
            1,
        )
    sink("".join(out).encode())
    return Kept(last, cutter.report(), cutter.entries, cutter.total)


class _Cutter:
    def __init__(self) -> None:
        self._counts: Counter[tuple[str, CutKind]] = Counter()
        self._spellings: dict[str, str] = {}
        self._is_first = True
        self.entries = 0
        self.total: int | None = None  # that `ldapsearch` says it found

    def line(self, folded: Unfolded, changes: Changes) -> str:
        """What is written in place of a line."""
        if not folded.text.strip():
            changes.end()
            return "".join(folded.raw)
        if folded.text.startswith("#"):
            return self._remark(folded)
        self._begin(folded)
        try:
            said = attribute(folded)
        except binascii.Error:
            return self._broken(folded)
        if said is None:
            return self._no_attribute(folded, changes)
        if said.name == "dn":
            changes.end()
            changes.begin()
            self.entries += 1
        changes.see(said)
        why = _reason(said)
        if why is None:
            return "".join(folded.raw)
        name = self._spelling(said.name, said.spelling)
        self._counts[name, why] += 1
        if said.name == "dn":
            return _lines(folded, WITHHELD, " ")
        return _lines(folded, f"# {name}: withheld", "#")

    def report(self) -> tuple[Cut, ...]:
        return tuple(Cut(name, kind, count) for (name, kind), count in self._counts.items())

    def _begin(self, folded: Unfolded) -> None:
        """The first line that says something tells whether this can be LDIF at all."""
        if not self._is_first:
            return
        self._is_first = False
        if name_of(folded) is None and not is_noise(folded.text):
            raise Unreadable(
                "not_ldif",
                f"Line {folded.line} is no LDIF: it has to begin with “dn:” or “version: 1”. Export as LDIF "
                "(ldapsearch, slapcat, ldifde), or choose the format that the file has.",
                folded.line,
            )

    def _remark(self, folded: Unfolded) -> str:
        if _KEPT_REMARK.fullmatch(folded.text) and not holds_secret(folded.text):
            name, _, count = folded.text.strip("# ").partition(": ")
            if name == "numEntries" and self.total is None and len(count.strip()) < 10:
                self.total = int(count)
            return "".join(folded.raw)
        self._counts["remark", "comment"] += 1
        return _lines(folded, "#", "#")

    def _broken(self, folded: Unfolded) -> str:
        name = name_of(folded) or ("", "")
        spelling = self._spelling(*name)
        if name[0] in SECRET or (name[0] not in TELLS and is_secret_name(spelling)):
            self._counts[spelling, "secret_name"] += 1
            return _lines(folded, f"# {spelling}: withheld", "#")
        self._counts[spelling, "ragged_row"] += 1
        return _lines(folded, f"{spelling}:: {BROKEN}", " ")

    def _no_attribute(self, folded: Unfolded, changes: Changes) -> str:
        if (folded.text == "-" and changes.is_inside) or (is_noise(folded.text) and not changes.is_open):
            return "".join(folded.raw)
        self._counts["line that is no attribute", "ragged_row"] += 1
        return _lines(folded, WITHHELD, " ")

    def _spelling(self, name: str, written: str) -> str:
        return self._spellings.setdefault(name, written.partition(";")[0])[:200]


def _reason(said: Attribute) -> CutKind | None:
    """Why a value is not kept, None if it is."""
    if said.name in SECRET or (said.name not in TELLS and is_secret_name(said.name)) or _camel(said):
        return "secret_name"
    if said.name in UNUSED and not said.is_url:
        return "unmapped"
    if said.name in BINARY and isinstance(said.value, bytes):
        return None
    if said.name in CERTIFICATES:
        return None if certificate(said.value) is not None else "secret_value" if _holds(said) else "unmapped"
    plain = text_of(said.value)
    if plain is None:
        return None if said.name == "ipasshpubkey" else "unmapped"  # bytes that nobody can look into
    if said.name in TELLS or said.name == "dn":
        return "secret_value" if holds_secret(plain) else None
    return "secret_value" if says_secret(plain) else None


def _camel(said: Attribute) -> bool:
    """The name as written has words that its lower case hides: `legacyAppPwd`."""
    return said.name not in TELLS and is_secret_name(said.spelling.partition(";")[0])


def _holds(said: Attribute) -> bool:
    value = said.value if isinstance(said.value, str) else said.value.decode("latin-1")
    return says_secret(value)


def _lines(folded: Unfolded, first: str, further: str) -> str:
    """A text of as many lines as the one it replaces."""
    ends = [line[len(line.rstrip("\r\n")) :] for line in folded.raw]
    return "".join((first if at == 0 else further) + end for at, end in enumerate(ends))
