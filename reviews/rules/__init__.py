"""Rules: what is wrong, found by one query each; `engine` keeps the findings in step with what they find.

A new rule is one `Rule` in the file of its kind, listed in that file's `RULES`, with its lines in
`controls/` and its table in tests/rules/.
"""

from reviews.rules import (
    ownership,
    people,
    privilege,
    reuse,
    secrets,
    sessions,
    signing_in,
    third_parties,
)
from reviews.rules.rule import Rule

_PARTS = (ownership, secrets, third_parties, signing_in, privilege, reuse, sessions, people)


def _order(rule: Rule) -> tuple[int, list[int]]:
    """N9.2 before N10.1; then people, then evidence."""
    return "NHE".index(rule.code[0]), [int(part) for part in rule.code[1:].split(".")]


RULES: dict[str, Rule] = {
    rule.code: rule for rule in sorted((one for part in _PARTS for one in part.RULES), key=_order)
}
