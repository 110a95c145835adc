"""Which table may be changed how, on one page. A `post_migrate` step grants from it and sets the triggers.

*append-only*: the runtime role may INSERT and SELECT; a trigger that is always enabled refuses the rest.
*evidence*: like append-only, but the named columns may be updated (the current state beside frozen columns).
*queue*: may be deleted from. Everything else is *mutable*: SELECT, INSERT, UPDATE; DELETE only where listed.
Migrations run as the owner, everything else as the runtime role, which owns nothing.
"""

APPEND_ONLY = frozenset(
    {
        "audit_event",
        "accounts_correlationrefusal",
        "accounts_reject",
        "accounts_ownershipclaim",
        "reviews_ruleversion",
        "reviews_populationsource",
        "reviews_exclusion",
        "reviews_decision",
        "reviews_evaluation",
        "reviews_evidencelink",
        "reviews_shown",
        "reviews_signoff",
        "sessions_app_viewing",
    }
)

# Emptied only by the SECURITY DEFINER functions audit_erase() and audit_erase_card().
ERASABLE = frozenset({"audit_payload", "audit_card"})

# table -> columns that stay writable; the rest is frozen at INSERT.
EVIDENCE: dict[str, frozenset[str]] = {
    "accounts_personchange": frozenset({"dismissed_at", "dismissed_by_id", "dismissed_because"}),
    "reviews_reviewitem": frozenset(
        {"assignment_id", "stage", "ordinal", "verdict", "decided_at", "ended_as", "ended_run"}
    ),
}

# Rows of these may be deleted by the runtime role: queues, sign-in state, drafts, shares.
DELETABLE = frozenset(
    {
        "audit_pending",
        "outbox_message",
        "tasks_lease",
        "tasks_progress",
        "django_session",
        "usersessions_usersession",
        "mfa_authenticator",
        "account_emailaddress",
        "account_emailconfirmation",
        "socialaccount_socialaccount",
        "socialaccount_socialtoken",
        "guardian_userobjectpermission",
        "guardian_groupobjectpermission",
        "accounts_ownerproposal",
        "accounts_savedview",
        "accounts_system_carriers",
        "accounts_systemshare",
        "reviews_campaign_systems",
        "reviews_campaignshare",
        "reviews_packshare",
        "sessions_app_command",
        "sessions_app_transcriptchunk",
    }
)
DELETABLE_PREFIXES = ("django_tasks", "auth_")
