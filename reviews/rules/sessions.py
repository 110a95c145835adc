"""NHI10, and evidence itself: what sessions that are on record say. Who acted is never concluded."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import Rule, days

LATELY = {"days": days(_("Sessions of the last"), 90, most=1_100)}
OF_SESSION = """'sessions_app.session', n.id::text, '', n.identity_id, n.system_id, i.kind = 'human',
  coalesce(e.carries_privilege, ra.privileged, false), s.production"""
SESSIONS = """sessions_app_session n JOIN rule_system s ON s.system_id = n.system_id
LEFT JOIN accounts_identity i ON i.id = n.identity_id LEFT JOIN rule_account ra ON ra.id = n.account_id
LEFT JOIN accounts_grant g ON g.id = n.grant_id LEFT JOIN accounts_entitlement e ON e.id = g.entitlement_id"""
READS = (
    "sessions_app_session", "accounts_identity", "accounts_account", "accounts_grant", "accounts_entitlement",
)  # fmt: skip

INTERACTIVE = Rule(
    code="N10.1",
    title=_("A terminal session under a machine's account"),
    sentence=_("A terminal was recorded %(started_at)s under a machine's account; keystrokes: %(typed)s."),
    rationale=_(
        "A person who works under a machine's account has its rights and leaves its name. Who acted is not "
        "established by the recording alone."
    ),
    advice=_(
        "Ask the owner who it was and why. Give people rights of their own, asked for and ending by "
        "themselves."
    ),
    severity=Severity.MEDIUM,
    owasp=("NHI10:2025",),
    thresholds=LATELY,
    sql=f"""
SELECT {OF_SESSION}, jsonb_build_object('started_at', n.started_at, 'typed', t.typed)
FROM {SESSIONS} JOIN LATERAL (
  SELECT CASE WHEN bool_or(r.has_input) THEN 'yes' ELSE 'unknown' END AS typed FROM sessions_app_recording r
  WHERE r.session_id = n.id AND r.state = 'sealed' AND (r.has_input OR r.cols IS NOT NULL)
  HAVING count(*) > 0) t ON true
WHERE i.kind <> 'human' AND n.started_at >= %(at)s - make_interval(days => %(days)s)
""",
    reads=(*READS, "sessions_app_recording"),
)

NOBODY_ACCOUNTABLE = Rule(
    code="N10.4",
    title=_("A session under a machine that nobody answered for"),
    sentence=_("The session of %(started_at)s names no person who answered for the machine then."),
    rationale=_("Every use of a machine's account has to lead to a person. This one leads nowhere."),
    advice=_("Find out who it was, write it down where your rules ask for it, and name an owner."),
    severity=Severity.MEDIUM,
    owasp=("NHI10:2025", "NHI1:2025"),
    thresholds=LATELY,
    sql=f"""
SELECT {OF_SESSION}, jsonb_build_object('started_at', n.started_at)
FROM {SESSIONS}
WHERE i.kind <> 'human' AND n.accountable_id IS NULL
  AND n.started_at >= %(at)s - make_interval(days => %(days)s)
""",
    reads=READS,
)

NO_GRANT = Rule(
    code="E1",
    title=_("A session without a right in force"),
    sentence=_("When it began, %(started_at)s, %(match)s."),
    rationale=_(
        "Either somebody came in by a way that the record does not know, or the record is wrong. Both "
        "have to be known."
    ),
    advice=_("Look at the session's facts. Then correct the record, or treat it as an incident."),
    severity=Severity.HIGH,
    owasp=("NHI5:2025",),
    thresholds={"days": days(_("Sessions of the last"), 365, most=1_100)},
    sql=f"""
SELECT {OF_SESSION}, jsonb_build_object('started_at', n.started_at, 'match', n.match)
FROM {SESSIONS}
WHERE n.match IN ('no_grant', 'grant_ended') AND n.started_at >= %(at)s - make_interval(days => %(days)s)
""",
    reads=READS,
)

SELF_REVIEW = Rule(
    code="E6",
    title=_("A decision on one's own access, as is known today"),
    sentence=_("%(person)s decided “%(verdict)s” %(at)s; today the account is %(why)s."),
    rationale=_(
        "When it was decided the account seemed to be somebody else's. A merge, a link or a membership shows "
        "that it was not; the decision stands in the log, but proves nothing."
    ),
    advice=_(
        "Have somebody else decide it again in the next campaign, or sooner if the right is privileged."
    ),
    severity=Severity.MEDIUM,
    thresholds={"days": days(_("Decisions of the last"), 400, most=1_100)},
    # Whoever decided, and whose it was, may have turned out to be the same person since: see `merged_into`.
    sql="""
WITH merged AS (
  SELECT id, merged_into_id AS into FROM accounts_identity WHERE merged_into_id IS NOT NULL)
SELECT 'reviews.reviewitem', t.id::text, '', d.decider, t.system_id, true,
  t.is_privileged IS TRUE, coalesce(s.production, false),
  jsonb_build_object('person', d.decider, 'verdict', d.verdict, 'at', d.at,
    'why', CASE WHEN a.identity_id = d.decider OR d.subject = d.decider THEN 'theirs'
      WHEN d.answers THEN 'answered_for' ELSE 'shared' END)
FROM (
  SELECT d.item_id, d.ordinal, d.stage, d.verdict, d.at, coalesce(who.into, d.by_identity) AS decider,
    coalesce(whose.into, d.subject_id) AS subject,
    (who.into IS NOT NULL OR owner.into IS NOT NULL)
      AND (d.subject_kind = 'human' OR d.is_privileged IS TRUE)
      AND coalesce(owner.into, d.accountable_id) = coalesce(who.into, d.by_identity) AS answers
  FROM reviews_decision d LEFT JOIN merged who ON who.id = d.by_identity
  LEFT JOIN merged whose ON whose.id = d.subject_id LEFT JOIN merged owner ON owner.id = d.accountable_id
  WHERE d.verdict <> 'withdraw' AND d.at >= %(at)s - make_interval(days => %(days)s)) d
JOIN reviews_reviewitem t ON t.id = d.item_id AND t.ordinal = d.ordinal AND t.stage = d.stage
JOIN accounts_account a ON a.id = t.account_id LEFT JOIN rule_system s ON s.system_id = t.system_id
WHERE a.identity_id = d.decider OR d.subject = d.decider OR d.answers OR EXISTS (
    SELECT FROM accounts_membership b WHERE b.account_id = a.id AND b.identity_id = d.decider
      AND b.during @> d.at)
""",
    reads=("reviews_decision", "reviews_reviewitem", "accounts_account", "accounts_identity"),
)

TWICE = Rule(
    code="E9",
    title=_("One recording for several sessions"),
    sentence=_("The same file (%(sha256)s…) is filed under %(sessions)s sessions."),
    rationale=_("A file shows one session. Filed twice, at least one of them has no evidence."),
    advice=_("Find out which session it shows and file the right recording for the other."),
    severity=Severity.LOW,
    sql="""
SELECT 'sessions_app.recording', r.id::text, '', n.identity_id, n.system_id, i.kind = 'human',
  coalesce(ra.privileged, false), coalesce(s.production, false),
  jsonb_build_object('sha256', left(r.sha256, 12), 'sessions', d.sessions)
FROM (
  SELECT sha256, count(DISTINCT session_id) AS sessions FROM sessions_app_recording WHERE state <> 'rejected'
  GROUP BY sha256 HAVING count(DISTINCT session_id) > 1) d
JOIN sessions_app_recording r ON r.sha256 = d.sha256 AND r.state <> 'rejected'
JOIN sessions_app_session n ON n.id = r.session_id LEFT JOIN rule_system s ON s.system_id = n.system_id
LEFT JOIN accounts_identity i ON i.id = n.identity_id LEFT JOIN rule_account ra ON ra.id = n.account_id
""",
    reads=("sessions_app_recording", "sessions_app_session", "accounts_identity", "accounts_account"),
)

RULES = (INTERACTIVE, NOBODY_ACCOUNTABLE, NO_GRANT, SELF_REVIEW, TWICE)
