"""What a rule is: a sentence, a reason, what to do, and one query over the inventory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviews.models import Severity

Words = str | Promise
Thresholds = Mapping[str, Any]

# The order in which one step more is one more.
STEPS: tuple[Severity, ...] = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
LONGEST_LIST = 60  # words in a threshold that lists some


@dataclass(frozen=True, slots=True)
class Number:
    """A threshold that is a whole number within bounds."""

    label: Words
    unit: Words
    default: int
    least: int
    most: int

    def checked(self, value: object) -> int:
        """The number, or a refusal that says what may stand there."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValidationError(
                _("%(label)s: a number from %(least)d to %(most)d, please.")
                % {"label": self.label, "least": self.least, "most": self.most}
            )
        return value


@dataclass(frozen=True, slots=True)
class List:
    """A threshold that is a list of words, compared folded."""

    label: Words
    unit: Words
    default: tuple[str, ...]

    def checked(self, value: object) -> list[str]:
        """The words, folded and each once, or a refusal."""
        given = value if isinstance(value, list | tuple) else [value]
        found = list(dict.fromkeys(str(one).strip().lower() for one in given if str(one).strip()))
        if not found or len(found) > LONGEST_LIST or any(len(one) > 60 for one in found):
            raise ValidationError(
                _("%(label)s: one to %(most)d words with commas between them, please.")
                % {"label": self.label, "most": LONGEST_LIST}
            )
        return found


Threshold = Number | List


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `sql` selects, once per subject and discriminator:

    subject_type, subject_id, discriminator, identity_id, system_id, is_human, privileged, production, facts.

    It may read the tables of `facts` and takes %(at)s, %(today)s and its thresholds by name. Facts hold keys,
    codes and moments, never names and nothing that changes by itself from day to day.
    """

    code: str
    title: Words
    sentence: Words  # filled with the facts
    rationale: Words
    advice: Words
    severity: Severity
    sql: str
    reads: tuple[str, ...]  # the tables it asks
    owasp: tuple[str, ...] = ()
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    # Instead of the sentence, by the fact `case`.
    sentences: Mapping[str, Words] = field(default_factory=dict)

    def said_of(self, facts: Mapping[str, Any]) -> str:
        """The sentence for these facts, to be filled with them."""
        return str(self.sentences.get(str(facts.get("case")), self.sentence))

    def defaults(self) -> dict[str, Any]:
        """As they are before anybody changed them."""
        return {name: _plain(one.default) for name, one in self.thresholds.items()}

    def checked(self, given: Thresholds) -> dict[str, Any]:
        """All thresholds, with what was given checked; a name that the rule does not know is refused."""
        if unknown := sorted(set(given) - set(self.thresholds)):
            raise ValidationError(_("This rule has no threshold %(name)s.") % {"name": ", ".join(unknown)})
        return {
            name: one.checked(given[name]) if name in given else _plain(one.default)
            for name, one in self.thresholds.items()
        }

    def current(self, kept: Thresholds) -> dict[str, Any]:
        """What applies: what people set, where the rule still knows it, else the defaults."""
        return self.defaults() | {name: value for name, value in kept.items() if name in self.thresholds}


def _plain(default: int | tuple[str, ...]) -> int | list[str]:
    return list(default) if isinstance(default, tuple) else default


def days(label: Words, default: int, least: int = 1, most: int = 1_100) -> Number:
    """The most common threshold."""
    return Number(label, gettext_lazy("days"), default, least, most)


# Subject and whose it is, for rows of the tables that `groundwork` lays.
OF_MACHINE = "'accounts.identity', m.id::text, '', m.id, m.system_id, false, m.privileged, m.production"
OF_ACCOUNT = (
    "'accounts.account', a.id::text, '', a.identity_id, a.system_id, a.is_human, a.privileged, a.production"
)
OF_KEY = """'accounts.credential', s.id::text, '', s.identity_id, s.system_id, s.is_human, s.privileged,
  s.production"""
# Of a privileged right `p` of the account `a`.
OF_POWER = """'accounts.grant', p.id::text, '', a.identity_id, a.system_id, a.is_human, true, a.production"""
# Of a grant `g` of the right `e` on the account `a`.
OF_GRANT = """'accounts.grant', g.id::text, '', a.identity_id, a.system_id, a.is_human, e.carries_privilege,
  a.production"""
