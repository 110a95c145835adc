"""Records of AWS CloudTrail: who called which API, as whom, from where, and whether it was allowed.

They come as delivered (`{"Records": […]}`), as lists, lines or single events, and wrapped in the answers of
LookupEvents (`CloudTrailEvent`), CloudWatch Logs (`message`) and EventBridge (`detail`).

A session is:
- of temporary credentials: the same issuer (role) or user, session name, access key and time of creation;
- of long-lived keys, root and sign-ins at the console: the same ARN and access key, with less than 60 minutes
  between two calls; a sign-in at the console always begins one;
- none, for calls that an AWS service makes, for itself or in somebody's name (`invokedBy`).
The `sts:AssumeRole…` that issued an access key ties the session of that key to who assumed the role, over
several roles if need be (`cloudtrail_chain.py`). An event that comes again (`eventID`) is left out. Of
parameters only the names of things are kept. (AWS CloudTrail record contents, userIdentity element.)
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sessions_app.formats.calls import Repeats, Stretches, known, mapping, moment, word
from sessions_app.formats.cloudtrail_chain import Chains
from sessions_app.formats.cloudtrail_fields import is_allowed, kept_parameters, outcome, target
from sessions_app.formats.events import RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.json_records import Wrappers, first_records, json_records, unwrapped
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.logs import NO_SESSION, Entry, LogReading, LogSession

KEY = "cloudtrail"

_LISTS = Wrappers("Records", "Events", "events")
_INNER = ("CloudTrailEvent", "message", "@message", "detail", "_source", "eventData")
_SERVICE = ".amazonaws.com"
_FEDERATED = frozenset({"SAMLUser", "WebIdentityUser"})


def _is_event(value: dict[str, Any]) -> bool:
    """Whether it is an event, and no notification of S3 or a stream (`aws:s3`), which look alike."""
    source = value.get("eventSource")
    return isinstance(value.get("eventName"), str) and isinstance(source, str) and source[:4] != "aws:"


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first objects is an event of CloudTrail."""
    if b"eventSource" not in head or b"eventName" not in head:
        return False
    found = first_records(head, _LISTS, _INNER)
    return any(_is_event(one) and ("userIdentity" in one or "eventVersion" in one) for one in found)


def read(source: Source) -> LogReading:
    """The events of a log, one call each."""
    tally = Tally()
    return LogReading(RecordingHeader(KEY, 1), _Log(source, tally).calls(), tally)


class _Log:
    """A log being read."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._repeats, self._stretches, self._chains = Repeats(), Stretches(), Chains()
        self._sessions: dict[str, LogSession] = {}

    def calls(self) -> Iterator[tuple[Entry, LogSession]]:
        place = 1
        for found in json_records(self._source, self._tally, _LISTS):
            place = found.place
            event = unwrapped(found.value, _INNER)
            if not _is_event(event):
                self._tally.unreadable(place, "not_an_event", "It is no event of CloudTrail.")
                continue
            reference = word(event.get("eventID"))
            if reference and not self._repeats.is_new(reference):
                self._tally.warn(place, "repeated_event", "The event came before and was left out.")
                continue
            yield self._call(event, place, reference)
        self._chains.close()
        conclude(self._source, place, self._tally)

    def _call(self, event: dict[str, Any], place: int, reference: str | None) -> tuple[Entry, LogSession]:
        at = moment(event.get("eventTime"), place, self._tally)
        session = self._session(event, at, place)
        self._chains.note(event, session, at)
        service = (word(event["eventSource"]) or "?").removesuffix(_SERVICE)
        identity = mapping(event.get("userIdentity"))
        parameters = kept_parameters(event)
        entry = Entry(
            session=session.key,
            at=at,
            action=f"{service}:{word(event['eventName']) or '?'}",
            line=place,
            target=target(event, parameters),
            is_allowed=is_allowed(event),
            outcome=outcome(event),
            source_address=word(event.get("sourceIPAddress")),
            reference=reference,
            facts=known(
                [
                    *parameters.items(),
                    ("region", word(event.get("awsRegion"))),
                    ("user_agent", word(event.get("userAgent"))),
                    ("read_only", word(event.get("readOnly"))),
                    ("event_type", word(event.get("eventType"))),
                    ("invoked_by", word(identity.get("invokedBy"))),
                    ("vpc_endpoint", word(event.get("vpcEndpointId"))),
                ]
            ),
        )
        return entry, session

    def _session(self, event: dict[str, Any], at: datetime | None, place: int) -> LogSession:
        identity = mapping(event.get("userIdentity"))
        invoked_by = word(identity.get("invokedBy"))
        account = word(identity.get("accountId")) or word(event.get("recipientAccountId"))
        if identity.get("type") == "AWSService" or invoked_by or not identity:
            return LogSession(NO_SESSION, host=account)
        who = _Who(identity, event)
        if who.created_at is not None:
            key = "/".join([who.owner, who.access_key or "", who.created_at])
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = _made(key, who, account)
                self._chains.add(who.access_key, session)
                begun = moment(who.created_at, place, self._tally)
                session.facts |= known([("created_at", begun.isoformat() if begun else None)])
        else:
            session = self._stretches.of(
                f"{who.owner}/{who.access_key or ''}",
                at,
                lambda key: _made(key, who, account),
                opens=event["eventName"] == "ConsoleLogin",
            )
        _enrich(session, event, who)
        return session


class _Who:
    """Who made a call, as `userIdentity` tells."""

    def __init__(self, identity: dict[str, Any], event: dict[str, Any]) -> None:
        context = mapping(identity.get("sessionContext"))
        issuer = mapping(context.get("sessionIssuer"))
        attributes = mapping(context.get("attributes"))
        self.kind = word(identity.get("type"))
        self.arn = word(identity.get("arn"))
        self.principal = word(identity.get("principalId"))
        self.access_key = word(identity.get("accessKeyId"), 128)
        self.created_at = word(attributes.get("creationDate"), 64)
        told_mfa = word(attributes.get("mfaAuthenticated"))
        login_mfa = word(mapping(event.get("additionalEventData")).get("MFAUsed"))
        self.mfa = {"true": "yes", "false": "no", "Yes": "yes", "No": "no"}.get(told_mfa or login_mfa or "")
        self.source_identity = word(context.get("sourceIdentity")) or word(identity.get("sourceIdentity"))
        self.issuer = word(issuer.get("arn")) if issuer.get("type") == "Role" else None
        _, _, name = (self.principal or "").partition(":")
        tail = (self.arn or "").rpartition("/")[2]
        self.session_name = (name or tail or None) if self.kind in ("AssumedRole", "FederatedUser") else None
        behalf = mapping(identity.get("onBehalfOf"))
        self.provider = word(identity.get("identityProvider"))
        self.directory_user = word(behalf.get("userId"))
        self.user = self._name(identity, tail)
        self.owner = (self.issuer or self.arn or self.principal or self.user or "?")[:300]
        if self.issuer:
            self.owner += f"/{self.session_name or ''}"

    def _name(self, identity: dict[str, Any], tail: str) -> str | None:
        if self.kind == "Root":
            return "root"
        if self.session_name:
            return self.source_identity or self.session_name
        return word(identity.get("userName")) or tail or self.directory_user or self.principal

    @property
    def run_as(self) -> str | None:
        return self.issuer or (self.arn if self.kind in ("AssumedRole", "FederatedUser") else None)


def _made(key: str, who: _Who, account: str | None) -> LogSession:
    facts = known(
        [
            ("identity_type", who.kind),
            ("account", account),
            ("arn", who.arn),
            ("access_key", who.access_key),
            ("session_name", who.session_name),
            ("identity_provider", who.provider if who.kind in _FEDERATED else None),
            ("directory_user", who.directory_user),
        ]
    )
    kinds = {"AKIA": "long-lived", "ASIA": "temporary"}
    told = "temporary" if who.created_at else kinds.get((who.access_key or "")[:4])
    facts |= known([("credential", told)])
    return LogSession(
        key,
        user=who.user,
        run_as=who.run_as,
        host=account,
        external_id=who.access_key,
        facts=facts,
    )


def _enrich(session: LogSession, event: dict[str, Any], who: _Who) -> None:
    """What any call of a session may be the first to tell."""
    told = known(
        [
            ("mfa", who.mfa),
            ("source_identity", who.source_identity),
            ("source_address", word(event.get("sourceIPAddress"))),
        ]
    )
    session.facts = {**told, **session.facts}
    if who.source_identity and who.session_name:
        session.user = who.source_identity
    if event.get("sessionCredentialFromConsole") in ("true", True) or event["eventName"] == "ConsoleLogin":
        session.facts["console"] = "yes"
        session.is_interactive = True


FORMAT = Format(KEY, "AWS CloudTrail", 1, recognises, read)
