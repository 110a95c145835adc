"""What practice asks about people, and about accounts that belong to none."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_ACCOUNT, OF_GRANT, Number, Rule, days

LEAVER = Rule(
    code="H1",
    title=_("A leaver can still act"),
    sentence=_("%(person)s has left, and this account still works. It was last used %(used_at)s."),
    rationale=_(
        "Somebody who left has no need for access, and every use of it is a question for the police."
    ),
    advice=_("Disable the account today, then remove its rights. Look at what was done with it since."),
    severity=Severity.HIGH,
    sql=f"""
SELECT {OF_ACCOUNT}, jsonb_build_object('person', a.identity_id, 'used_at', a.last_used_at)
FROM rule_account a JOIN rule_left l ON l.id = a.identity_id WHERE l.kind = 'human'
""",
    reads=("accounts_account", "accounts_identity"),
)

ORPHAN = Rule(
    code="H2",
    title=_("A privileged account that belongs to nobody"),
    sentence=_("Nobody known stands behind this account, and it holds privileged rights."),
    rationale=_(
        "It is in no one's review and leaves with nobody. Accounts like this one are found by intruders "
        "first."
    ),
    advice=_("Find out whose it is and link it. If nobody says so, disable it and see who calls."),
    severity=Severity.MEDIUM,
    owasp=("NHI1:2025",),
    sql=f"""
SELECT {OF_ACCOUNT}, '{{}}'::jsonb FROM rule_account a
WHERE a.identity_id IS NULL AND a.kind NOT IN ('shared', 'emergency', 'role') AND a.privileged
""",
    reads=("accounts_account", "accounts_grant", "accounts_entitlement"),
)

NOT_TRIED = Rule(
    code="H3",
    title=_("An emergency account that was not tried"),
    sentence=_("Last tried or used %(used_at)s."),
    rationale=_("An account that is for the worst day has to work on it. Unknown is not judged."),
    advice=_("Try it with both custodians, write it down, and change its secret."),
    severity=Severity.LOW,
    thresholds={"days": days(_("Tried within the last"), 90, most=730)},
    sql=f"""
SELECT {OF_ACCOUNT}, jsonb_build_object('used_at', a.last_used_at) FROM rule_account a
WHERE a.kind = 'emergency' AND a.last_used_at < %(at)s - make_interval(days => %(days)s)
""",
    reads=("accounts_account",),
)

CUSTODIANS = Rule(
    code="H4",
    title=_("An emergency account without two custodians"),
    sentence=_("Custodians who are here: %(custodians)s."),
    rationale=_("One person alone could use it unseen, and may be away on the day it is needed."),
    advice=_("Name two people who keep it together, each with half of what opens it."),
    severity=Severity.LOW,
    thresholds={"least": Number(_("Custodians needed"), _("people"), 2, 1, 10)},
    sql=f"""
SELECT {OF_ACCOUNT}, jsonb_build_object('custodians', b.found)
FROM rule_account a CROSS JOIN LATERAL (
  SELECT count(*) AS found FROM accounts_membership b JOIN accounts_identity i ON i.id = b.identity_id
  WHERE b.account_id = a.id AND upper_inf(b.during) AND i.status <> 'left') b
WHERE a.kind = 'emergency' AND b.found < %(least)s
""",
    reads=("accounts_account", "accounts_membership", "accounts_identity"),
)

LEFT_MEMBER = Rule(
    code="H5",
    title=_("Somebody who left still knows a shared secret"),
    sentence=_(
        "Of those who share this account have left: %(people)s. Nothing shows that its secret was changed"
        " since."
    ),
    rationale=_(
        "A shared secret leaves with whoever leaves. Taking them off the list does not take it from them."
    ),
    advice=_("Rotate the secret, let the next reading show it, and take the leaver off the members."),
    severity=Severity.MEDIUM,
    sql=f"""
WITH gone AS (
  SELECT b.account_id, count(*) AS people, max(upper(b.during)) AS ended_at,
    bool_or(upper_inf(b.during)) AS listed
  FROM accounts_membership b JOIN rule_left l ON l.id = b.identity_id GROUP BY b.account_id)
SELECT {OF_ACCOUNT}, jsonb_build_object('people', o.people)
FROM gone o JOIN rule_account a ON a.id = o.account_id
WHERE a.kind IN ('shared', 'emergency') AND (o.listed OR EXISTS (
  SELECT FROM rule_secret s WHERE s.account_id = a.id AND s.kind <> 'federated'
    AND s.same_since < o.ended_at))
""",
    reads=("accounts_account", "accounts_membership", "accounts_identity", "accounts_credential"),
)

NEVER_REVIEWED = Rule(
    code="H6",
    title=_("A way into recorded sessions that nobody has reviewed"),
    sentence=_(
        "It opens a privileged session by %(reach)s. Sessions there are recorded; nobody has reviewed it."
    ),
    rationale=_(
        "A recording tells what happened, not whether the access should be there. Only a review does that."
    ),
    advice=_("Put the system into a campaign whose scope is session reach."),
    severity=Severity.LOW,
    sql=f"""
SELECT {OF_GRANT}, jsonb_build_object('reach', CASE WHEN e.reach <> '' THEN e.reach ELSE e.kind END)
FROM accounts_entitlement e
LEFT JOIN accounts_account target ON target.id = e.acts_as_id
JOIN (SELECT DISTINCT system_id FROM sessions_app_coverage WHERE during @> %(at)s) c
  ON c.system_id IN (e.system_id, target.system_id)
JOIN accounts_grant g ON g.entitlement_id = e.id AND upper_inf(g.held)
JOIN rule_account a ON a.id = g.account_id
WHERE (e.reach <> '' OR e.kind = 'act_as')
  AND NOT EXISTS (SELECT FROM reviews_reviewitem t WHERE t.grant_id = g.id AND t.verdict <> '')
GROUP BY g.id, a.identity_id, a.system_id, a.is_human, e.carries_privilege, a.production, e.reach, e.kind
""",
    reads=(
        "accounts_entitlement", "accounts_grant", "accounts_account", "sessions_app_coverage",
        "reviews_reviewitem",
    ),
)  # fmt: skip

RULES = (LEAVER, ORPHAN, NOT_TRIED, CUSTODIANS, LEFT_MEMBER, NEVER_REVIEWED)
