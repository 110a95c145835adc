"""NHI5: more rights than needed, or for longer."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.ownership import UNUSED_AFTER, WINDOW
from reviews.rules.rule import OF_GRANT, Rule

HELD = """accounts_entitlement e
JOIN accounts_grant g ON g.entitlement_id = e.id AND upper_inf(g.held) AND NOT g.is_eligible
JOIN rule_account a ON a.id = g.account_id"""

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
SELECT {OF_GRANT}, jsonb_build_object('used_at', u.last_used_at)
FROM {HELD} JOIN accounts_grantuse u ON u.grant_id = g.id
LEFT JOIN accounts_identity i ON i.id = a.identity_id
WHERE e.carries_privilege AND a.kind <> 'emergency' AND coalesce(i.rhythm, '') <> 'emergency'
  AND i.status IS DISTINCT FROM 'on_leave'
  AND u.last_used_at < a.seen_until - make_interval(days => {RESTS})
  AND NOT EXISTS (SELECT FROM sessions_app_session n WHERE n.grant_id = g.id
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
        " hours for administrators and 90 days for others is no end; one that no reading has shown isn't "
        "either."
    ),
    advice=_("Make it one that is asked for and ends by itself, or decide in a review that it has to stay."),
    severity=Severity.LOW,
    owasp=("NHI5:2025",),
    sql=f"""
SELECT {OF_GRANT}, jsonb_build_object('end', CASE WHEN g.ends_at IS NULL THEN 'no_end' ELSE 'late_end' END)
FROM {HELD} LEFT JOIN accounts_importrun r ON r.id = g.known_from_run_id AND lower_inf(g.held)
WHERE e.carries_privilege AND a.kind <> 'emergency' AND (g.ends_at IS NULL OR
  g.ends_at > coalesce(lower(g.held), r.received_at)
    + CASE WHEN 'admin' = ANY(e.marks) THEN %(admin_window)s ELSE %(window)s END)
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
