"""Which column and field names hold secrets, in several spellings and languages; deny by default.

A name is secret when it names a secret (`userPassword`, `client_secret`, `Kennwort`) and nothing after
that says it is only about one (`password_last_changed`, `token_id`).
"""

import re
import unicodedata
from functools import lru_cache


def _plain(name: str) -> str:
    """Without accents, the way the tables are compared too."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


def _each(names: str) -> list[str]:
    return [_plain(name.strip()) for name in names.split("|")]


# A name that holds one of these anywhere is about a password.
_LONG = tuple(
    _each(
        "password | passwd | passphrase | passcode | passwort | kennwort | motdepasse | contrasena | "
        "contrasenya | wachtwoord | losenord | adgangskode | passord | salasana | jelszo | lozinka | пароль "
        "| 密码 | 密碼 | パスワード | 비밀번호 | supplementalcredentials | recoverykey"
    )
)
# Whole words that are secrets.
_WORDS = frozenset(
    _each(
        "pwd | pwds | passw | pw | pin | puk | secret | secrets | token | tokens | jwt | bearer | salt | "
        "hash | credentials | otp | totp | psk | keytab | pfx | p12 | pkcs12 | pem | privkey | heslo | "
        "haslo | hasło | senha | parola | sifre | mdp | geheimnis | zugangsdaten | anmeldedaten | cookie | "
        "admpwd | userpwd | unicodepwd | dbcspwd | ntpwd | lmpwd | nthash | lmhash | ntlmhash | pwdhash | "
        "passhash | apikey | apisecret | secretkey | secretaccesskey | secrettext | secretvalue | "
        "secretstring | clientsecret | appsecret | sharedsecret | privatekey | accesstoken | refreshtoken | "
        "authtoken | apitoken | bearertoken | idtoken | sessiontoken | encryptionkey | signingkey | "
        "connectionstring | recoverycode | recoverycodes | backupcode | backupcodes | sshprivatekey | "
        "shadow | sessionid | sessionkey | accesskey | privatschlussel"
    )
)
# Several words together.
_PHRASES = tuple(
    tuple(phrase.split())
    for phrase in _each(
        "private key | priv key | api key | access key | secret key | encryption key | signing key | shared "
        "key | master key | session key | auth key | host key private | recovery code | recovery codes | "
        "backup code | backup codes | emergency code | emergency codes | scratch codes | security answer | "
        "connection string | mot de passe | pass wort | pass word | pass phrase | privater schlussel | "
        "geheimer schlussel | api schlussel | cle privee | cle secrete | clave privada | clave secreta | "
        "clave de acceso | krb principal key | totp seed | otp seed | mfa seed | code secret"
    )
)
# Exactly these.
_NAMES = frozenset({"clave", "secretid", "auth"})
# What may follow a secret's name when the cell only tells about it.
_ABOUT = frozenset(
    _each(
        "enabled | disabled | active | inactive | last | used | use | changed | change | modified | set | "
        "reset | update | updated | next | rotation | rotate | rotated | expires | expire | expired | "
        "expiry | expiration | never | required | require | must | not | needed | date | day | days | time "
        "| timestamp | at | on | age | id | ids | name | type | kind | status | state | count | counter | "
        "policy | created | creation | issue | issued | serial | number | length | strength | fingerprint | "
        "thumbprint | algorithm | region | service | ip | scope | scopes | owner | user | description | "
        "version | valid | validity | until | from | to | by | and | or | is | first | since | lastset | "
        "lastused | lastchanged | lastrotated | neverexpires | notrequired | allowed | attempts | failures "
        "| fails | lock | locked | lockout | quality | class | tag | tags | present | via | reused | leaked "
        "| anderung | geandert | geaendert | ablauf | lauft | ab | ablaufdatum | datum | zuletzt | letzte | "
        "gesetzt | aktiv | alter | gultig | bis | seit | typ | art | anzahl | richtlinie | genutzt | "
        "verwendet | changement | modifie | derniere"
    )
)
# `has_password` is answered by yes or no, `has_token_value` hardly.
_ASKS = frozenset({"is", "has", "requires", "needs", "must", "hat", "ist", "muss"})
_TELLS = frozenset({"value", "values", "text", "string", "plain", "clear"})
_CAMEL = re.compile(
    r"(?<=[a-zà-ÿ0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"
)
_APART = re.compile(r"[\W_]+")


# A claim of a provider of tokens, as trust policies name it: `token.actions.githubusercontent.com:sub`. The
# host is no word about what the claim holds.
_CLAIM = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:/[^:]*)?:([^:]+)")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """True if cells under this name must not be kept."""
    if len(name) > 300:
        return True  # no honest column is called that
    claim = _CLAIM.fullmatch(name)
    words = _words(claim[1] if claim else name)
    if "".join(words) in _NAMES:
        return True
    if words and words[0] in _ASKS and words[-1] not in _TELLS:
        return False
    return _names_secret(words) or _names_secret(["".join(words)])


def normal(name: str) -> str:
    """A name without case, accents and separators, so that spellings meet: `Employee-No.` → `employeeno`."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in folded if letter.isalnum())


def _words(name: str) -> list[str]:
    apart = _APART.split(_CAMEL.sub(" ", _plain(name)))
    return [word.casefold() for word in apart if word and not word.isdigit()]


def _names_secret(words: list[str]) -> bool:
    """Some word or phrase is a secret, and the words after it don't turn it into a fact about one."""
    for at, word in enumerate(words):
        long = next((noun for noun in _LONG if noun in word), None)
        if long is not None:
            tail = word[word.index(long) + len(long) :]
            if not _is_about([*_pieces(tail), *words[at + 1 :]]):
                return True
        elif word in _WORDS and not _is_about(words[at + 1 :]):
            return True
    for phrase in _PHRASES:
        for at in range(len(words) - len(phrase) + 1):
            if tuple(words[at : at + len(phrase)]) == phrase and not _is_about(words[at + len(phrase) :]):
                return True
    return False


def _is_about(rest: list[str]) -> bool:
    return bool(rest) and all(word in _ABOUT for word in rest)


def _pieces(tail: str) -> list[str]:
    """`lastset` after `password` in words that tell about it; a tail that is none of them stays whole."""
    found: list[str] = []
    while tail:
        for size in range(min(len(tail), 12), 1, -1):
            if tail[:size] in _ABOUT:
                found.append(tail[:size])
                tail = tail[size:]
                break
        else:
            return [*found, tail]
    return found
