"""NHI1: machines whom nobody answers for, and what people who left have left behind."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_MACHINE, Rule, days

OWNER_LEFT = Rule(
    code="N1.1",
    title=_("The owner has left"),
    sentence=_("%(owner)s answered for this machine and has left."),
    rationale=_(
        "Nobody notices when it is misused and nobody decides when it is not needed any more. What a leaver "
        "knew of it, such as its secret, went with them."
    ),
    advice=_(
        "Name somebody who uses it as its owner. Rotate every secret the leaver may have known. If nobody "
        "wants it, shut it down."
    ),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025",),
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('owner', m.owner_id)
FROM rule_machine m WHERE m.owner_left
""",
    reads=("accounts_identity", "accounts_account"),
)

NO_OWNER = Rule(
    code="N1.2",
    title=_("Nobody answers for it"),
    sentence=_("It has %(why)s as owner."),
    rationale=_(
        "A machine without a person behind it is reviewed by people who do not know it, and stays when what "
        "it was made for is gone."
    ),
    advice=_(
        "Look at the proposals on its page and name a person, or put it into the application it belongs to."
    ),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025",),
    sql=f"""
WITH nobody AS MATERIALIZED (  -- many machines have few owners, so it is these who are looked up
  SELECT o.owner_id FROM (SELECT DISTINCT owner_id FROM rule_machine WHERE owner_id IS NOT NULL) o
  JOIN accounts_identity i ON i.id = o.owner_id WHERE i.kind <> 'human')
SELECT {OF_MACHINE}, jsonb_build_object('why', CASE WHEN m.owner_id IS NULL THEN 'nobody' ELSE 'machine' END)
FROM rule_machine m WHERE m.owner_id IS NULL OR m.owner_id IN (SELECT owner_id FROM nobody)
""",
    reads=("accounts_identity", "accounts_account"),
)

NO_DEPUTY = Rule(
    code="N1.3",
    title=_("Privileged, without a deputy"),
    sentence=_("It holds privileged rights, and nobody stands behind its owner."),
    rationale=_("When its owner is away or leaves, nobody may decide about a machine that can do harm."),
    advice=_("Name a deputy who knows it well enough to switch it off."),
    severity=Severity.LOW,
    owasp=("NHI1:2025",),
    sql=f"""
SELECT {OF_MACHINE}, '{{}}'::jsonb FROM rule_machine m WHERE m.privileged AND NOT m.has_deputy
""",
    reads=("accounts_identity", "accounts_account", "accounts_grant", "accounts_entitlement"),
)

# How long a machine of each rhythm may rest; emergency ones rest for ever.
WINDOW = """CASE {rhythm}
  WHEN 'yearly' THEN greatest(%(days)s, 366 + %(grace)s)
  WHEN 'quarterly' THEN greatest(%(days)s, 92 + %(grace)s)
  WHEN 'monthly' THEN greatest(%(days)s, 31 + %(grace)s) ELSE %(days)s END"""
UNUSED_AFTER = {
    "days": days(_("Unused after"), 90, least=7),
    "grace": days(_("Later than its rhythm by"), 30, least=0, most=180),
}

UNUSED = Rule(
    code="N1.4",
    title=_("Not used any more"),
    sentence=_("Last used %(used_at)s, longer ago than its rhythm (%(rhythm)s) allows."),
    rationale=_(
        "What nobody uses is missed by nobody when somebody else does. Judged only where the last use of "
        "every account is known: unknown is not unused. A yearly job may rest for a year."
    ),
    advice=_(
        "If it is needed less often than thought, set its rhythm. Else switch it off, wait, and shut it down."
    ),
    severity=Severity.LOW,
    owasp=("NHI1:2025",),
    thresholds=UNUSED_AFTER,
    sql=f"""
WITH known AS (  -- a system that tells of no use of any secret says nothing by it
  SELECT account_id, max(last_used_at) AS last_used_at, bool_or(last_used_at IS NULL) AS some_unknown
  FROM rule_secret WHERE kind <> 'federated' AND account_id IN (
    SELECT account_id FROM rule_secret
    WHERE kind <> 'federated' AND is_human IS FALSE AND last_used_at IS NOT NULL)
  GROUP BY account_id),
maybe AS MATERIALIZED (  -- with something that rests, by the shortest rhythm; only these are judged
  SELECT identity_id FROM rule_account
  WHERE is_human IS FALSE AND last_used_at < seen_until - make_interval(days => %(days)s)
  UNION
  SELECT a.identity_id FROM known c JOIN rule_account a ON a.id = c.account_id
  WHERE c.last_used_at < a.seen_until - make_interval(days => %(days)s)),
judged AS (
  SELECT a.identity_id, a.kind, greatest(a.last_used_at, c.last_used_at) AS used_at,
    a.last_used_at IS NULL AND c.some_unknown IS NOT FALSE AS is_unknown,
    a.seen_until - make_interval(days => {WINDOW.format(rhythm="m.rhythm")}) AS since
  FROM maybe JOIN rule_account a ON a.identity_id = maybe.identity_id
  JOIN rule_machine m ON m.id = maybe.identity_id LEFT JOIN known c ON c.account_id = a.id
  WHERE m.rhythm <> 'emergency'),
resting AS MATERIALIZED (
  SELECT identity_id, max(used_at) AS used_at, min(since) AS since FROM judged
  GROUP BY identity_id HAVING bool_and(NOT is_unknown AND used_at < since AND kind <> 'emergency') IS TRUE),
used AS (
  SELECT r.identity_id FROM resting r JOIN rule_account a ON a.identity_id = r.identity_id
  JOIN accounts_grant g ON g.account_id = a.id
  JOIN accounts_grantuse u ON u.grant_id = g.id AND u.last_used_at >= r.since
  UNION
  SELECT r.identity_id FROM resting r
  JOIN sessions_app_session n ON n.identity_id = r.identity_id AND n.started_at >= r.since)
SELECT {OF_MACHINE}, jsonb_build_object('used_at', r.used_at, 'rhythm', m.rhythm)
FROM resting r JOIN rule_machine m ON m.id = r.identity_id
LEFT JOIN used ON used.identity_id = r.identity_id WHERE used.identity_id IS NULL
""",
    reads=(
        "accounts_identity", "accounts_account", "accounts_credential", "accounts_grant", "accounts_grantuse",
        "sessions_app_session",
    ),
)  # fmt: skip

APPLICATION_RETIRED = Rule(
    code="N1.5",
    title=_("Its application is retired"),
    sentence=_("The application it belongs to is retired; the machine still works."),
    rationale=_("What it was made for is gone. Its rights are a way in that nobody looks after."),
    advice=_("Shut it down, or say which application it belongs to now."),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025",),
    sql=f"""
SELECT {OF_MACHINE}, jsonb_build_object('application', p.id)
FROM rule_machine m JOIN accounts_application p ON p.id = m.application_id AND p.status = 'retired'
""",
    reads=("accounts_identity", "accounts_account", "accounts_application"),
)

NOT_ROTATED = Rule(
    code="N1.6",
    title=_("Handed over, its secrets unchanged"),
    sentence=_("Its owner left and it was handed over %(handed_at)s. Secrets that are older: %(secrets)s."),
    rationale=_(
        "Whoever owned it may know its secrets by heart or have them in a file at home. Handing over the "
        "name alone leaves the door open. A machine that an offboarding never settled counts as well."
    ),
    advice=_("Rotate its secrets and let the next reading show it. Settle it, if nobody did."),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025", "NHI7:2025"),
    thresholds={"days": days(_("Days to rotate after the hand-over"), 7, least=0, most=180)},
    sentences={"unsettled": _("Its owner left, and the offboarding was closed without settling it.")},
    sql=f"""
WITH line AS (
  SELECT DISTINCT ON (l.subject_id) l.subject_id::uuid AS identity_id, l.settled_at, l.state, c.state AS cased
  FROM accounts_caseline l JOIN accounts_offboardingcase c ON c.id = l.case_id AND c.begun_at IS NOT NULL
  WHERE l.kind = 'machine' AND l.subject_type = 'accounts.identity' AND l.state <> 'excepted'
  ORDER BY l.subject_id, c.begun_at DESC, l.id DESC),
judged AS (
  SELECT l.identity_id, l.settled_at AS handed_at, count(s.id) AS secrets, NULL AS settled
  FROM line l LEFT JOIN rule_secret s ON s.identity_id = l.identity_id AND s.same_since < l.settled_at
    AND s.kind <> 'federated'
  WHERE l.state = 'done' AND l.settled_at < %(at)s - make_interval(days => %(days)s)
  GROUP BY l.identity_id, l.settled_at HAVING count(s.id) > 0
  UNION ALL
  SELECT identity_id, NULL, NULL, 'unsettled' FROM line WHERE state <> 'done' AND cased = 'closed')
SELECT {OF_MACHINE}, jsonb_build_object('handed_at', j.handed_at, 'secrets', j.secrets, 'case', j.settled)
FROM judged j JOIN rule_machine m ON m.id = j.identity_id
""",
    reads=(
        "accounts_identity", "accounts_account", "accounts_credential", "accounts_caseline",
        "accounts_offboardingcase",
    ),
)  # fmt: skip

NOT_DONE = Rule(
    code="N1.8",
    title=_("Overdue: review or removal"),
    sentence=_("It was due %(due_on)s and is %(state)s."),
    rationale=_(
        "A decision that is not carried out ended nothing, and a review that nobody does protects nobody. A "
        "removal that was reported done counts until a reading proves it."
    ),
    advice=_(
        "Removals: carry it out and import a complete reading, or say why it can't be done. Reviews: look at "
        "the machine, decide, and set the next review-by day."
    ),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025", "NHI5:2025"),
    thresholds={"days": days(_("Days after the day it was due"), 3, least=0, most=90)},
    sql=f"""
SELECT 'accounts.revocation', r.id::text, '', t.identity_id, r.system_id, i.kind = 'human',
  coalesce(e.carries_privilege, ra.privileged, false), s.production,
  jsonb_build_object('due_on', (coalesce(r.due_at, r.requested_at))::date, 'state', r.state)
FROM accounts_revocation r JOIN rule_system s ON s.system_id = r.system_id
LEFT JOIN accounts_grant g ON g.id = r.grant_id LEFT JOIN accounts_credential c ON c.id = r.credential_id
LEFT JOIN accounts_entitlement e ON e.id = g.entitlement_id
JOIN accounts_account t ON t.id = coalesce(r.account_id, g.account_id, c.account_id)
LEFT JOIN accounts_identity i ON i.id = t.identity_id LEFT JOIN rule_account ra ON ra.id = t.id
WHERE r.state IN ('requested', 'reported', 'impossible', 'reappeared')
  AND coalesce(r.due_at, r.requested_at) < %(at)s - make_interval(days => %(days)s)
UNION ALL
SELECT {OF_MACHINE}, jsonb_build_object('due_on', m.review_by, 'state', 'not_reviewed')
FROM rule_machine m WHERE m.review_by < %(today)s - %(days)s
""",
    reads=("accounts_revocation", "accounts_identity", "accounts_account"),
)

RULES = (OWNER_LEFT, NO_OWNER, NO_DEPUTY, UNUSED, APPLICATION_RETIRED, NOT_ROTATED, NOT_DONE)
