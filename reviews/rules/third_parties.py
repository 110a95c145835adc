"""NHI3: machines of other companies."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_MACHINE, Rule, days

UNKNOWN_VENDOR = Rule(
    code="N3.1",
    title=_("A third party's machine that nobody keeps an eye on"),
    sentence=_("Missing: %(missing)s."),
    rationale=_(
        "When something happens at the vendor, minutes count: whom to call, what the machine may do, and who "
        "looked at it last."
    ),
    advice=_("Fill in vendor and contact, and review its access at least once in the period."),
    severity=Severity.LOW,
    owasp=("NHI3:2025",),
    thresholds={"days": days(_("Reviewed within the last"), 365, least=30)},
    sql=f"""
WITH third AS (
  SELECT m.*, array_remove(ARRAY[
    CASE WHEN m.vendor = '' THEN 'vendor' END, CASE WHEN m.vendor_contact = '' THEN 'contact' END,
    CASE WHEN m.created_at < %(at)s - make_interval(days => %(days)s) AND NOT EXISTS (
      SELECT FROM reviews_reviewitem t WHERE t.subject_id = m.id
        AND t.decided_at >= %(at)s - make_interval(days => %(days)s)) THEN 'review' END], NULL) AS missing
  FROM rule_machine m WHERE m.kind = 'integration' OR m.vendor <> '')
SELECT {OF_MACHINE}, jsonb_build_object('missing', m.missing) FROM third m WHERE m.missing <> '{{}}'
""",
    reads=("accounts_identity", "accounts_account", "reviews_reviewitem"),
)

CONTRACT_ENDED = Rule(
    code="N3.2",
    title=_("The contract ended, the machine did not"),
    sentence=_("The contract with the vendor ended %(ended_on)s."),
    rationale=_("The other side owes us nothing any more, and can still come in."),
    advice=_("Shut it down, or enter the new contract's end."),
    severity=Severity.MEDIUM,
    owasp=("NHI3:2025", "NHI1:2025"),
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('ended_on', m.contract_end)
FROM rule_machine m WHERE m.contract_end < %(today)s
""",
    reads=("accounts_identity", "accounts_account"),
)

POWERFUL_VENDOR = Rule(
    code="N3.3",
    title=_("A third party's machine with far-reaching rights"),
    sentence=_("It belongs to a third party and holds rights that are %(what)s."),
    rationale=_("Its security is the vendor's; what an intruder there can do here is up to these rights."),
    advice=_("Give it only what it calls, and an end. Ask the vendor which rights it really uses."),
    severity=Severity.LOW,
    owasp=("NHI3:2025", "NHI5:2025"),
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('what', CASE WHEN w.id IS NULL THEN 'privileged' ELSE 'wildcard' END)
FROM rule_machine m
LEFT JOIN (
  SELECT DISTINCT a.identity_id AS id FROM rule_marked k
  JOIN accounts_grant g ON g.entitlement_id = k.id AND upper_inf(g.held)
  JOIN rule_account a ON a.id = g.account_id
  WHERE k.marks && ARRAY['admin', 'wildcard']::varchar[] AND a.is_human IS FALSE) w ON w.id = m.id
WHERE (m.kind = 'integration' OR m.vendor <> '') AND (m.privileged OR w.id IS NOT NULL)
""",
    reads=("accounts_identity", "accounts_account", "accounts_grant", "accounts_entitlement"),
)

RULES = (UNKNOWN_VENDOR, CONTRACT_ENDED, POWERFUL_VENDOR)
