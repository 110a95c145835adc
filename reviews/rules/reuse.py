"""NHI8 and NHI9: one machine or one secret in several places."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_KEY, OF_MACHINE, Number, Rule

ENVIRONMENTS = Rule(
    code="N8.1",
    title=_("In production and outside of it"),
    sentence=_("The same %(what)s works in production and in another environment."),
    rationale=_(
        "Test systems are guarded less and seen by more people. Whoever takes the secret there is in "
        "production with it."
    ),
    advice=_("Make one machine identity per environment, each with secrets of its own."),
    severity=Severity.MEDIUM,
    owasp=("NHI8:2025",),
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('what', 'identity')
FROM rule_machine m WHERE m.everywhere
UNION ALL
SELECT {OF_KEY}, jsonb_build_object('what', s.kind)
FROM rule_twin s JOIN (
  SELECT fingerprint, kind FROM rule_twin GROUP BY fingerprint, kind
  HAVING bool_or(production) AND bool_or(NOT production)) b USING (fingerprint, kind)
""",
    reads=("accounts_identity", "accounts_account", "accounts_credential"),
)

CONSUMERS = Rule(
    code="N9.1",
    title=_("Used by more than one"),
    sentence=_("%(consumers)s consumers share it."),
    rationale=_(
        "Nobody can tell which of them did something, its secret can't be changed without all of them, "
        "and it holds the rights of all together."
    ),
    advice=_("Give each consumer a machine identity of its own, with just what that one needs."),
    severity=Severity.LOW,
    owasp=("NHI9:2025",),
    thresholds={"most": Number(_("Consumers allowed"), _("consumers"), 1, 1, 50)},
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('consumers', m.consumers)
FROM rule_machine m WHERE m.consumers > %(most)s
""",
    reads=("accounts_identity", "accounts_account"),
)

SAME_SECRET = Rule(
    code="N9.2",
    title=_("One secret for several"),
    sentence=_("The same %(kind)s is found elsewhere, too: with %(others)s more."),
    rationale=_("What one of them leaks opens all of them, and none can be switched off alone."),
    advice=_("Make a secret for each and remove the shared one."),
    severity=Severity.MEDIUM,
    owasp=("NHI9:2025",),
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'others', d.holders - 1)
FROM rule_twin s JOIN (
  SELECT fingerprint, kind, count(DISTINCT coalesce(identity_id::text, account_id::text)) AS holders
  FROM rule_twin GROUP BY fingerprint, kind) d USING (fingerprint, kind)
WHERE d.holders > 1 AND s.is_human IS NOT TRUE
""",
    reads=("accounts_credential", "accounts_account"),
)

RULES = (ENVIRONMENTS, CONSUMERS, SAME_SECRET)
