"""NHI4 and NHI6: how machines prove who they are, also in clouds and pipelines."""

# Queries are put together from constants of this package; what is asked about travels as parameters.
# ruff: noqa: S608

from django.utils.translation import gettext_lazy as _

from reviews.models import Severity
from reviews.rules.rule import OF_GRANT, OF_KEY, List, Rule

WEAK = Rule(
    code="N4.1",
    title=_("A way to sign in that is given up"),
    sentence=_("%(weakness)s"),
    rationale=_(
        "Weak or outdated ways to sign in can be guessed, replayed or forged; their makers gave them up."
    ),
    advice=_("Move to the way the system recommends today, then switch the old one off."),
    severity=Severity.MEDIUM,
    owasp=("NHI4:2025",),
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('weakness', s.weakness, 'kind', s.kind)
FROM rule_secret s WHERE s.weakness <> '' AND s.kind <> 'federated'
UNION ALL
SELECT {OF_GRANT}, jsonb_build_object('weakness', 'deprecated_auth')
FROM rule_marked k JOIN accounts_grant g ON g.entitlement_id = k.id AND upper_inf(g.held)
JOIN accounts_entitlement e ON e.id = g.entitlement_id JOIN rule_account a ON a.id = g.account_id
WHERE 'deprecated_auth' = ANY(k.marks)
""",
    reads=("accounts_credential", "accounts_account", "accounts_grant", "accounts_entitlement"),
)

PLATFORMS = List(
    _("Systems that can do without: their sources begin with"),
    _("names of formats, with commas between"),
    ("aws", "entra", "github", "gitlab", "google", "kubernetes"),
)

STATIC = Rule(
    code="N4.2",
    title=_("A lasting secret where none is needed"),
    sentence=_("Its %(kind)s lasts, although the system can do without: by federation or its own identity."),
    rationale=_("What is issued for an hour and never stored can't be stolen from a disk."),
    advice=_(
        "Let it sign in by federation (OIDC) or with the identity of the machine it runs on, then delete "
        "this."
    ),
    severity=Severity.LOW,
    owasp=("NHI4:2025", "NHI6:2025"),
    thresholds={"platforms": PLATFORMS},
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind)
FROM rule_secret s JOIN (
  SELECT o.system_id FROM accounts_source o WHERE split_part(o.connector, '_', 1) = ANY(%(platforms)s)
  UNION SELECT f.system_id FROM rule_secret f WHERE f.kind = 'federated') p USING (system_id)
WHERE s.kind IN ('access_key', 'secret') AND s.is_human IS FALSE
""",
    reads=("accounts_credential", "accounts_account", "accounts_source"),
)

PIPELINES = """actions argocd build buildkite ci cicd circleci deploy deployer deployment github gitlab
  jenkins pipeline release runner terraform"""

PIPELINE = Rule(
    code="N6.1",
    title=_("A pipeline with a lasting key"),
    sentence=_("It looks like a pipeline (%(because)s) and signs in with a lasting %(kind)s."),
    rationale=_(
        "Pipelines run other people's code. A key that lies there can be read by any step, and opens "
        "production from anywhere."
    ),
    advice=_("Let the pipeline sign in by OIDC, for one repository and branch. Then delete the key."),
    severity=Severity.MEDIUM,
    owasp=("NHI6:2025",),
    thresholds={
        "words": List(
            _("Words in the name of a pipeline"),
            _("words, with commas between"),
            tuple(PIPELINES.split()),
        )
    },
    sql=f"""
SELECT {OF_KEY}, jsonb_build_object('kind', s.kind, 'because', n.because)
FROM rule_secret s JOIN accounts_account t ON t.id = s.account_id
LEFT JOIN accounts_identity i ON i.id = s.identity_id
CROSS JOIN LATERAL (
  SELECT lower(t.name || coalesce(' ' || i.name, '') || coalesce(' ' || (t.hints ->> 'application'), '')
    || CASE WHEN i.consumers <> '{{}}' THEN ' ' || array_to_string(i.consumers, ' ') ELSE '' END) AS words
  OFFSET 0) said
CROSS JOIN LATERAL (
  SELECT min(word) AS because FROM unnest(regexp_split_to_array(said.words, '[^[:alnum:]]+')) AS word
  WHERE word = ANY(%(words)s)) n
WHERE s.kind IN ('access_key', 'secret', 'token') AND s.is_human IS FALSE AND n.because IS NOT NULL
  -- Taking all of them apart takes longer than looking which have one of the words.
  AND said.words ~ (SELECT '(^|[^[:alnum:]])(' || string_agg(w, '|') || ')([^[:alnum:]]|$)'
    FROM unnest(%(words)s::text[]) AS w WHERE w ~ '^[[:alnum:]]+$')
""",
    reads=("accounts_credential", "accounts_account", "accounts_identity"),
)

OPEN_TRUST = Rule(
    code="N6.2",
    title=_("Anybody may become it"),
    sentence=_("%(who)s may act as this account."),
    rationale=_(
        "A trust that does not say which workload may use it is open to every workload of the same provider, "
        "those of strangers as well."
    ),
    advice=_("Name the exact subject (sub) in the trust, without a wildcard, and the audience too."),
    severity=Severity.HIGH,
    owasp=("NHI6:2025",),
    sql="""
SELECT DISTINCT ON (e.id) 'accounts.entitlement', e.id::text, '', a.identity_id, e.system_id, a.is_human,
  a.privileged OR e.carries_privilege, a.production,
  jsonb_build_object('who', CASE WHEN 'open_trust' = ANY(e.marks) THEN 'anybody' ELSE 'any_workload' END)
FROM accounts_entitlement e
LEFT JOIN accounts_grant g ON g.entitlement_id = e.id AND upper_inf(g.held) AND e.acts_as_id IS NULL
JOIN rule_account a ON a.id = coalesce(e.acts_as_id, g.account_id)
WHERE e.marks && ARRAY['open_trust', 'oidc_without_sub']::varchar[]
ORDER BY e.id, a.id
""",
    reads=("accounts_entitlement", "accounts_account"),
)

RULES = (WEAK, STATIC, PIPELINE, OPEN_TRUST)
