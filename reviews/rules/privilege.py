"""NHI5: more rights than needed, or for longer."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.ownership import UNUSED_AFTER, WINDOW
from reviews.rules.rule import OF_GRANT, OF_POWER, Rule

HELD = "rule_power p JOIN rule_account a ON a.id = p.account_id AND NOT p.is_eligible"

RESTS = WINDOW.format(rhythm="coalesce(i.rhythm, '')")

UNUSED_RIGHT = Rule(
    code="N5.1",
    title=_("A privileged right that is not used"),
    sentence=_("Last used %(used_at)s."),
    rationale=_(
        "It helps nobody and can do harm any time. Judged only where the system tells when the right was "
        "used, and against the rhythm of whoever holds it; not while they are on leave, nor in "
        "emergencies."
    ),
    advice=_("Take it away, or make it one that is switched on when it is needed."),
    severity=Severity.LOW,
    owasp=("NHI5:2025",),
    thresholds=UNUSED_AFTER,
    sql=f"""
SELECT {OF_POWER}, jsonb_build_object('used_at', u.last_used_at)
FROM {HELD} JOIN accounts_grantuse u ON u.grant_id = p.id
LEFT JOIN accounts_identity i ON i.id = a.identity_id
WHERE a.kind <> 'emergency' AND coalesce(i.rhythm, '') <> 'emergency'
  AND i.status IS DISTINCT FROM 'on_leave'
  -- No rhythm is shorter than this, and nothing is seen later than now: few are left to be looked up.
  AND u.last_used_at < %(at)s - make_interval(days => %(days)s)
  AND u.last_used_at < a.seen_until - make_interval(days => {RESTS})
  AND NOT EXISTS (SELECT FROM sessions_app_session n WHERE n.grant_id = p.id
    AND n.started_at >= a.seen_until - make_interval(days => {RESTS}))
""",
    reads=(
        "accounts_grant", "accounts_grantuse", "accounts_entitlement", "accounts_account",
        "accounts_identity", "sessions_app_session",
    ),
)  # fmt: skip

STANDING = Rule(
    code="N5.2",
    title=_("Always-on privileged access"),
    sentence=_("It can be used at any time without asking again: it %(end)s."),
    rationale=_(
        "The right is there when it is not needed, for whoever gets hold of the account. An end beyond 24"
        " hours for administrators and 90 days for others is no end; one that has passed while readings "
        "still show the right isn't either."
    ),
    advice=_("Make it one that is asked for and ends by itself, or decide in a review that it has to stay."),
    severity=Severity.LOW,
    owasp=("NHI5:2025",),
    sql=f"""
SELECT {OF_POWER}, jsonb_build_object('end', CASE WHEN p.ends_at IS NULL THEN 'no_end'
  WHEN p.ends_at <= %(at)s THEN 'past_end' ELSE 'late_end' END)
FROM {HELD} LEFT JOIN accounts_importrun r ON r.id = p.shown_by_id
WHERE a.kind <> 'emergency' AND (p.ends_at IS NULL OR p.ends_at <= %(at)s
  OR p.ends_at > coalesce(p.since, r.received_at)
  + CASE WHEN p.is_admin THEN %(admin_window)s ELSE %(window)s END)
""",
    reads=("accounts_grant", "accounts_entitlement", "accounts_account"),
)

WILDCARD = Rule(
    code="N5.3",
    title=_("A machine that may do everything"),
    sentence=_("This right is %(what)s, by itself or through what it brings."),
    rationale=_(
        "A machine needs a handful of actions on a handful of things. Everything is never what it needs."
    ),
    advice=_("Find out what it calls, and replace this by a right with just that."),
    severity=Severity.LOW,
    owasp=("NHI5:2025",),
    sql=f"""
SELECT {OF_GRANT},
  jsonb_build_object('what', CASE WHEN 'admin' = ANY(k.marks) THEN 'admin' ELSE 'wildcard' END)
FROM rule_marked k JOIN accounts_entitlement e ON e.id = k.id
JOIN accounts_grant g ON g.entitlement_id = e.id AND upper_inf(g.held)
JOIN rule_account a ON a.id = g.account_id
WHERE k.marks && ARRAY['admin', 'wildcard']::varchar[] AND a.is_human IS FALSE
""",
    reads=("accounts_grant", "accounts_entitlement", "accounts_account"),
)

RULES = (UNUSED_RIGHT, STANDING, WILDCARD)
