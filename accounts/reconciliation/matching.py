"""Which people each rule of correlation finds for which accounts: one join a rule, made of its parts.

Nothing that a person typed stands in a statement: beginnings to be cut and systems are told to it apart.
"""

# ruff: noqa: S608 - put together from constants of this module, never from input

from collections.abc import Sequence
from typing import Any, Final

from accounts.models import CorrelationRule

Of, To = CorrelationRule.Of, CorrelationRule.To

MOST_NAMESAKES: Final = 5  # what more people than this have in common says nothing about one of them
NO_HIT: Final = "SELECT NULL::bigint AS account_id, 0 AS n, NULL::uuid AS identity_id WHERE false"


def _plain(column: str) -> str:
    """Small letters without accents; what has none is not looked through for them."""
    accents = f"normalize(lower({column}), NFKD)"
    bare = f"regexp_replace(translate({accents}, 'øłđ', 'old'), '[\\u0300-\\u036F]', '', 'g')"
    return f"CASE WHEN octet_length({column}) = char_length({column}) THEN lower({column}) ELSE {bare} END"


def _in_order(column: str) -> str:
    """First name first, also where a directory writes “Smith, Jon”; one space between words."""
    turned = f"regexp_replace({column}, '^([^,]+),([^,]+)$', '\\2 \\1')"
    return f"btrim(regexp_replace({turned}, '\\s+', ' ', 'g'))"


_NAME: Final = _in_order(_plain("name"))
_FIRST: Final = "regexp_replace(split_part(folded, ' ', 1), '[^[:alnum:]]', '', 'g')"
_LAST: Final = "regexp_replace(substring(folded from '[^ ]+$'), '[^[:alnum:]]', '', 'g')"
_PEOPLE: Final = "FROM accounts_identity WHERE kind = 'human' AND merged_into_id IS NULL"
# OFFSET 0: what is made of a name is made once, and not again wherever it is used.
_NAMED: Final = f"FROM (SELECT id, {_NAME} AS folded {_PEOPLE} OFFSET 0) named"
_PARTED: Final = f"{_NAMED} WHERE position(' ' in folded) > 0"

# What of people is compared: rows of (key, identity_id).
KEYS: Final[dict[str, str]] = {
    To.NUMBER: "SELECT number AS key, identity_id FROM accounts_engagement",
    To.EMAIL: f"SELECT lower(email) AS key, id AS identity_id {_PEOPLE} AND email <> ''",
    To.EMAIL_LOCAL: f"""SELECT split_part(lower(email), '@', 1) AS key, id AS identity_id {_PEOPLE}
      AND email <> ''""",
    To.NAME: f"SELECT folded AS key, id AS identity_id {_NAMED}",
    To.INITIAL_LAST: f"SELECT left({_FIRST}, 1) || {_LAST} AS key, id AS identity_id {_PARTED}",
    To.FIRST_LAST: f"SELECT {_FIRST} || '.' || {_LAST} AS key, id AS identity_id {_PARTED}",
}
# What of accounts: a column of `claim`, or made of one.
SAID: Final[dict[str, str]] = {
    Of.NUMBER: "c.employee_number",
    Of.EMAIL: "c.address",
    Of.LOGIN: "c.login",
    Of.DISPLAY_NAME: _in_order(_plain("c.display_name")),
}
# The first letter and the last name of a number of people are the same; those are left out, except where an
# organisation says that it is sure.
_FEW: Final = f"""
  (SELECT key, unnest(array_agg(identity_id)) AS identity_id FROM (@keys@) every
   GROUP BY key HAVING count(*) <= {MOST_NAMESAKES})"""
_HIT: Final = """
  SELECT c.account_id, @n@ AS n, p.identity_id
  FROM (SELECT c.account_id, @said@ AS key FROM claim c
    WHERE %(system_@n@)s::uuid IS NULL OR c.system_id = %(system_@n@)s::uuid OFFSET 0) c
  JOIN @people@ p ON p.key = c.key WHERE c.key <> ''"""


def hits(rules: Sequence[CorrelationRule], *, only_sure: bool) -> str:
    """Rows of (account_id, n, identity_id) of `claim`: the rule with the number n finds that identity."""
    parts = [
        _hit(number, rule) for number, rule in enumerate(rules, start=1) if rule.is_sure or not only_sure
    ]
    return "\nUNION ALL\n".join(parts) or NO_HIT


def told(rules: Sequence[CorrelationRule]) -> dict[str, Any]:
    """What the statements of these rules are told: by number what each is called, and how sure it is."""
    found: dict[str, Any] = {
        "rule_keys": [str(rule.pk) for rule in rules],
        "rule_methods": [rule.method for rule in rules],
        "rule_sure": [rule.confidence for rule in rules],
    }
    for number, rule in enumerate(rules, start=1):
        found[f"system_{number}"] = rule.system_id
        found[f"cut_{number}"] = rule.cut
    return found


def _hit(number: int, rule: CorrelationRule) -> str:
    keys, said = KEYS[rule.to], SAID[rule.of]
    if rule.of == Of.LOGIN and rule.to == To.NUMBER:
        keys = keys.replace("number AS key", "lower(number) AS key")  # logins are compared in small letters
    if rule.of == Of.EMAIL and rule.to == To.EMAIL_LOCAL:
        said = f"split_part({said}, '@', 1)"
    if rule.cut is not None and rule.of == Of.LOGIN:
        said = f"regexp_replace({said}, %(cut_{number})s, '')"
    people = f"({keys})" if rule.is_sure else _FEW.replace("@keys@", keys)
    parts = {"@n@": str(number), "@said@": said, "@people@": people}
    statement = _HIT
    for name, part in parts.items():
        statement = statement.replace(name, part)
    return statement
