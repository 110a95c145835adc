"""The one table of states: which tone, which sign and which word each state has on every screen.

Codes are those of the models; a state never rests on colour alone, so each has a sign and a word.
"""

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class State(NamedTuple):
    """How one state looks: tone (good, warn, bad, info or quiet), sign and word."""

    tone: str
    sign: str
    word: str | Promise


UNKNOWN: Final = State("quiet", "unknown", _("unknown"))

# The sign that goes with a tone when a page gives only tone and words.
TONE_SIGNS: Final[dict[str, str]] = {
    "good": "yes",
    "warn": "warn",
    "bad": "alert",
    "info": "info",
    "quiet": "none",
    "plain": "",
}

STATES: Final[dict[str, State]] = {
    # Revocations: decided, requested, claimed, proven
    "decided": State("info", "open", _("decided")),
    "requested": State("info", "go", _("requested")),
    "reported_done": State("warn", "part", _("reported done")),
    "reported": State("warn", "part", _("reported done")),
    "verified": State("good", "yes", _("verified gone")),
    "verified_gone": State("good", "yes", _("verified gone")),
    "absent_not_proven": State("warn", "part", _("absent, not proven")),
    "reappeared": State("bad", "alert", _("reappeared")),
    "restored": State("quiet", "back", _("restored on purpose")),
    "withdrawn": State("quiet", "back", _("withdrawn")),
    "impossible": State("warn", "warn", _("can’t be done")),
    # Rights and what is known about them
    "privileged": State("bad", "alert", _("privileged")),
    "not_privileged": State("quiet", "none", _("not privileged")),
    "standing": State("warn", "warn", _("always on")),
    "eligible": State("info", "open", _("to be switched on before use")),
    "time_boxed": State("good", "wait", _("ends by itself")),
    "held": State("quiet", "yes", _("held")),
    "gone": State("quiet", "none", _("gone")),
    "unused": State("warn", "warn", _("unused")),
    # Identities, accounts, credentials
    "active": State("good", "yes", _("active")),
    "enabled": State("good", "yes", _("enabled")),
    "disabled": State("quiet", "none", _("disabled")),
    "locked": State("quiet", "none", _("locked")),
    "suspended": State("quiet", "wait", _("suspended")),
    "on_leave": State("quiet", "wait", _("on leave")),
    "leaving": State("warn", "wait", _("leaving")),
    "left": State("quiet", "none", _("left")),
    "ended": State("quiet", "none", _("ended")),
    "retired": State("quiet", "none", _("retired")),
    "orphan": State("bad", "alert", _("orphan account")),
    "unowned": State("bad", "alert", _("no owner")),
    "quarantine": State("warn", "wait", _("in quarantine")),
    "expired": State("bad", "alert", _("expired")),
    "expiring": State("warn", "warn", _("expires soon")),
    "exposed": State("bad", "alert", _("exposed in a recording")),
    # Imports
    "uploaded": State("info", "open", _("uploaded")),
    "reading": State("info", "wait", _("reading")),
    "previewing": State("info", "wait", _("preview, not applied")),
    "previewed": State("info", "open", _("preview, not applied")),
    "applying": State("info", "wait", _("applying")),
    "applied": State("good", "yes", _("applied")),
    "discarded": State("quiet", "none", _("discarded")),
    "rejected": State("bad", "no", _("rejected")),
    "failed": State("bad", "no", _("failed")),
    # Recordings and sessions
    "received": State("info", "wait", _("received")),
    "processing": State("info", "wait", _("processing")),
    "sealed": State("good", "yes", _("sealed")),
    "on_hold": State("warn", "wait", _("held unprocessed")),
    "no_grant": State("bad", "alert", _("no grant in force")),
    "granted": State("good", "yes", _("grant in force")),
    "recorded": State("good", "yes", _("recorded")),
    "not_recorded": State("quiet", "none", _("not recorded")),
    "no_session": State("quiet", "none", _("no session")),
    # Campaigns and decisions
    "draft": State("quiet", "open", _("draft")),
    "scheduled": State("info", "wait", _("scheduled")),
    "planned": State("info", "wait", _("planned")),
    "launched": State("info", "part", _("running")),
    "running": State("info", "part", _("running")),
    "overdue": State("bad", "alert", _("overdue")),
    "undecided": State("quiet", "open", _("not decided")),
    "certify": State("good", "yes", _("Keep")),
    "revoke": State("bad", "no", _("Remove")),
    "limit": State("warn", "part", _("Limit")),
    "rotate": State("info", "go", _("Rotate")),
    "hand_over": State("info", "go", _("Hand over")),
    "shut_down": State("bad", "no", _("Shut down")),
    "withdraw": State("quiet", "back", _("Undone")),
    "dont_know": State("warn", "unknown", _("Don’t know")),
    "new": State("warn", "warn", _("new since the last review")),
    "same": State("quiet", "yes", _("same as in the last review")),
    "back": State("bad", "alert", _("removed before, and back")),
    "signed_off": State("good", "yes", _("signed off")),
    "closed": State("good", "yes", _("closed")),
    "cancelled": State("quiet", "none", _("cancelled")),
    "no_longer_applies": State("quiet", "none", _("no longer applies")),
    # Severity of findings
    "critical": State("bad", "alert", _("critical")),
    "high": State("bad", "warn", _("high")),
    "medium": State("warn", "warn", _("medium")),
    "low": State("quiet", "info", _("low")),
    # Work, cases, packs, findings
    "open": State("info", "open", _("open")),
    "pending": State("info", "wait", _("waiting")),
    "asked": State("info", "go", _("asked for")),
    "sent": State("good", "yes", _("sent")),
    "refused": State("bad", "no", _("refused")),
    "kept": State("good", "yes", _("kept")),
    "altered": State("bad", "alert", _("altered")),
    "queued": State("info", "wait", _("queued")),
    "building": State("info", "wait", _("being built")),
    "ready": State("good", "yes", _("ready")),
    "done": State("good", "yes", _("done")),
    "settled": State("good", "yes", _("settled")),
    "excepted": State("warn", "part", _("excepted")),
    "accepted": State("warn", "part", _("accepted until a date")),
    "fixed": State("good", "yes", _("gone")),
    "unknown": UNKNOWN,
}


def state_of(value: object) -> State:
    """The look of a state; None is unknown, and a code this table does not hold is shown as it is called."""
    if value is None or value == "":
        return UNKNOWN
    code = str(getattr(value, "value", value))
    return STATES.get(code) or State("quiet", "none", code.replace("_", " "))
