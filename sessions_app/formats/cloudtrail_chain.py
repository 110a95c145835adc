"""Who stands behind a role: the access key that an `sts:AssumeRole…` issued is that of a later session.

A role may assume the next, so the links form chains; the events may come in any order and the chains are
followed when the log has ended. A sign-in at the console is tied to the sessions whose credentials were made
at that moment for the same ARN.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sessions_app.formats.calls import known, mapping, word
from sessions_app.formats.logs import LogSession

ISSUED_KEPT = 100_000
LONGEST_CHAIN = 10
LOGINS_KEPT = 20  # of one ARN
SAME_MOMENT = timedelta(seconds=10)
_ISSUING = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken")
_FEDERATING = "GetFederationToken"


@dataclass(slots=True)
class _Issue:
    """Who got an access key: a session, or (a service, somebody of another account) only a name."""

    by: LogSession
    name: str | None
    source_identity: str | None
    at: datetime | None


class Chains:
    """The links between issued access keys and the sessions that used them."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, _Issue] = OrderedDict()
        self._users: dict[str, list[LogSession]] = {}
        self._logins: OrderedDict[str, list[tuple[datetime, LogSession]]] = OrderedDict()

    def add(self, access_key: str | None, session: LogSession) -> None:
        """A session that uses temporary credentials."""
        if access_key:
            self._users.setdefault(access_key, []).append(session)

    def note(self, event: dict[str, Any], session: LogSession, at: datetime | None) -> None:
        """Remember the access key that an event issued, or that it is a sign-in at the console."""
        answer = mapping(event.get("responseElements"))
        if event.get("eventName") == "ConsoleLogin" and answer.get("ConsoleLogin") != "Failure" and at:
            self._login(session, at)
        if event.get("eventSource") != "sts.amazonaws.com":
            return
        if event.get("eventName") not in (*_ISSUING, _FEDERATING):
            return
        access_key = word(mapping(answer.get("credentials")).get("accessKeyId"), 128)
        if access_key is None:
            return
        identity = mapping(event.get("userIdentity"))
        name = (
            word(identity.get("arn"))
            or word(identity.get("userName"))
            or word(identity.get("invokedBy"))
            or word(identity.get("principalId"))
        )
        told = word(mapping(event.get("requestParameters")).get("sourceIdentity")) or word(
            answer.get("sourceIdentity")
        )
        self._issued[access_key] = _Issue(session, name, told, at)
        if len(self._issued) > ISSUED_KEPT:
            self._issued.popitem(last=False)

    def _login(self, session: LogSession, at: datetime) -> None:
        logins = self._logins.setdefault(session.facts.get("arn", ""), [])
        logins.append((at, session))
        del logins[:-LOGINS_KEPT]
        if len(self._logins) > ISSUED_KEPT:
            self._logins.popitem(last=False)

    def _tie_to_login(self, session: LogSession) -> None:
        created = session.facts.get("created_at")
        if created is None:
            return
        for at, login in self._logins.get(session.facts.get("arn", ""), []):
            if abs(datetime.fromisoformat(created) - at) <= SAME_MOMENT:
                session.facts |= {"console": "yes", "signed_in": login.key}
                if "mfa" in login.facts:
                    session.facts.setdefault("mfa", login.facts["mfa"])

    def close(self) -> None:
        """Tell every session that is tied to another how it came about."""
        for sessions in self._users.values():
            for session in sessions:
                self._tie_to_login(session)
        for access_key, sessions in self._users.items():
            chain = self._followed(access_key)
            if not chain:
                continue
            first, last = chain[0], chain[-1]
            for session in sessions:
                session.facts |= known(
                    [
                        ("assumed_by", first.name),
                        ("assumed_from", first.by.key or None),
                        ("assumed_at", first.at.isoformat() if first.at else None),
                        ("chain", " > ".join(one.name or "?" for one in reversed(chain))),
                    ]
                )
                told = next((one.source_identity for one in chain if one.source_identity), None)
                if told and "source_identity" not in session.facts:
                    session.facts["source_identity"] = told
                if "session_name" in session.facts:
                    session.user = session.facts.get("source_identity") or last.by.user or session.user

    def _followed(self, access_key: str) -> list[_Issue]:
        """The issues from the last back to the first, as far as the log tells."""
        found: list[_Issue] = []
        seen: set[str] = set()
        key: str | None = access_key
        while key and key not in seen and key in self._issued and len(found) < LONGEST_CHAIN:
            seen.add(key)
            found.append(self._issued[key])
            key = found[-1].by.facts.get("access_key")
        return found
