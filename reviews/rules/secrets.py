"""NHI2 and NHI7: secrets that others may know, and secrets that live too long."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_KEY, List, Rule, days

EXPOSED = Rule(
    code="N2.2",
    title=_("A secret was exposed and is still the same"),
    sentence=_("Its %(kind)s was exposed %(exposed_at)s and has not been changed since."),
    rationale=_("Whoever saw it can act with it, and looks in every log like the machine itself."),
    advice=_("Rotate it today. Then look at what was done with it since it was exposed."),
    severity=Severity.HIGH,
    owasp=("NHI2:2025",),
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'exposed_at', s.exposed_at)
FROM rule_secret s WHERE s.exposed_at > coalesce(s.same_since, '-infinity')
""",
    reads=("accounts_credential", "accounts_account"),
)

PLACES = """chat code confluence desktop email excel file git mail notes plaintext repo repository script
  sharepoint slack source spreadsheet teams wiki"""

STORAGE = Rule(
    code="N2.3",
    title=_("A secret is kept where it does not belong"),
    sentence=_("Its %(kind)s is kept here: %(storage)s."),
    rationale=_(
        "Secrets in code, files or chats are copied without a trace and outlive every change. A place that "
        "nobody told the portal of is unknown, not wrong."
    ),
    advice=_("Move it into the vault, rotate it, and remove it from where it was."),
    severity=Severity.MEDIUM,
    owasp=("NHI2:2025",),
    thresholds={
        "places": List(
            _("Places where no secret may be"),
            _("words, with commas between"),
            tuple(PLACES.split()),
        )
    },
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'storage', s.storage)
FROM rule_secret s
WHERE s.storage <> '' AND s.is_human IS NOT TRUE
  AND regexp_split_to_array(lower(s.storage), '[^[:alnum:]]+') && %(places)s
  AND NOT regexp_split_to_array(lower(s.storage), '[^[:alnum:]]+')
    && ARRAY['vault', 'secret', 'secrets', 'kms', 'hsm']
""",
    reads=("accounts_credential", "accounts_account"),
)

# A person's password is no key: how old it may get is the sign-in's business.
KEYS = (
    "s.kind IN ('access_key', 'token', 'secret', 'ssh_key') OR s.kind = 'password' AND s.is_human IS NOT TRUE"
)

TOO_OLD = Rule(
    code="N7.1",
    title=_("A secret is too old"),
    sentence=_("Its %(kind)s has been the same since %(same_since)s; at most %(allowed)s days are allowed."),
    rationale=_(
        "Every day a secret lives is another day on which somebody may have copied it. Old ones are known to "
        "people who left and stand in backups."
    ),
    advice=_(
        "Rotate it. If rotating is hard because several use it, that is the reason to split it up first. "
        "Better still: replace it by federation, which needs no secret."
    ),
    severity=Severity.LOW,
    owasp=("NHI7:2025",),
    thresholds={
        "privileged": days(_("Of privileged accounts, at most"), 90),
        "other": days(_("Of others, at most"), 365),
    },
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'same_since', s.same_since, 'allowed', w.allowed)
FROM rule_secret s
CROSS JOIN LATERAL (SELECT CASE WHEN s.privileged THEN %(privileged)s ELSE %(other)s END AS allowed) w
WHERE ({KEYS}) AND s.same_since < %(at)s - make_interval(days => w.allowed)
""",
    reads=("accounts_credential", "accounts_account", "accounts_grant", "accounts_entitlement"),
)

NO_END = Rule(
    code="N7.2",
    title=_("A secret has no end, or a late one"),
    sentence=_("The end of its %(kind)s: %(ends)s. A life of at most %(allowed)s days is allowed."),
    rationale=_(
        "A secret that ends by itself limits what can be done with a copy of it. Where a system tells of no "
        "end, there is none that anybody could rely on."
    ),
    advice=_("Issue it anew with an end, or use what the system gives out for an hour."),
    severity=Severity.LOW,
    owasp=("NHI7:2025",),
    thresholds={"days": days(_("Longest life"), 365)},
    sql=f"""
SELECT {OF_KEY},
  jsonb_build_object('kind', s.kind, 'ends', coalesce(to_jsonb(s.expires_at), '"never"'), 'allowed', %(days)s)
FROM rule_secret s
WHERE s.is_human IS NOT TRUE AND (
  s.kind IN ('access_key', 'token', 'secret') AND s.expires_at IS NULL
  OR s.kind IN ('access_key', 'token', 'secret', 'certificate')
    AND s.expires_at > s.same_since + make_interval(days => %(days)s))
""",
    reads=("accounts_credential", "accounts_account"),
)

ENDING = Rule(
    code="N7.3",
    title=_("A secret ends soon and is still used"),
    sentence=_("Its %(kind)s ends %(expires_at)s and is still in use."),
    rationale=_("When it ends, what rests on it stops. People then tend to make one without an end."),
    advice=_("Renew it now, in daylight, and write down who has to be told the next time."),
    severity=Severity.MEDIUM,
    owasp=("NHI7:2025",),
    thresholds={
        "days": days(_("Days before its end"), 30, most=180),
        "used": days(_("Still used: within the last"), 30, most=365),
    },
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'expires_at', s.expires_at)
FROM rule_secret s
WHERE s.expires_at < %(at)s + make_interval(days => %(days)s)
  AND s.last_used_at >= s.seen_until - make_interval(days => %(used)s)
""",
    reads=("accounts_credential", "accounts_account"),
)

RULES = (EXPOSED, STORAGE, TOO_OLD, NO_END, ENDING)
