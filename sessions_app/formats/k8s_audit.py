"""The audit log of Kubernetes: who asked its API for what, and whether that was allowed.

Events come as lines, lists or an `EventList`, also wrapped by what carried them (`message`, `log`).
A session is:
- each `exec`, `attach`, `portforward` and debug container (`ephemeralcontainers`) by itself: all stages of
  one `auditID`. The command is that of the request; what was typed after it is in no audit log;
- else the calls of one user, impersonated user and address with less than 60 minutes between them;
- none, for the parts of the cluster itself (`system:node:…`, `system:kube-…`, `system:apiserver`).
The same event (`auditID` and `stage`) is read once. Only the last of the source addresses is the API
server's own word, the others and the user agent are the client's. Bodies of requests are never kept, but for
the parties of a role binding and the command of a debug container. (kubernetes.io audit.k8s.io/v1.)
"""

import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sessions_app.formats import fields
from sessions_app.formats.calls import Repeats, Stretches, known, mapping, moment, word, words
from sessions_app.formats.events import RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.json_records import Wrappers, first_records, json_records, unwrapped
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.logs import NO_SESSION, Entry, LogReading, LogSession

KEY = "k8s_audit"
LONGEST_COMMAND = 64 * 1024
MOST_FIELDS = 2_000

_LISTS = Wrappers("items", "Events", "events")
_INNER = ("message", "@message", "log", "_source", "event")
_SESSIONS = frozenset({"exec", "attach", "portforward", "ephemeralcontainers"})
_CLUSTER = ("system:node:", "system:kube-", "system:apiserver", "system:bootstrap:")
_BINDINGS = frozenset({"rolebindings", "clusterrolebindings"})
_EXTRA = {
    "authentication.kubernetes.io/credential-id": "credential",
    "authentication.kubernetes.io/pod-name": "from_pod",
    "authentication.kubernetes.io/node-name": "from_node",
}
_DECISIONS = {"allow": True, "forbid": False, "deny": False}


def _is_event(value: dict[str, Any]) -> bool:
    return isinstance(value.get("auditID"), str) and isinstance(value.get("stage"), str)


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first objects is an audit event."""
    if b"auditID" not in head:
        return False
    return any(_is_event(one) for one in first_records(head, _LISTS, _INNER))


def read(source: Source) -> LogReading:
    """The events of a log, one call for each stage."""
    tally = Tally()
    return LogReading(RecordingHeader(KEY, 1), _Log(source, tally).calls(), tally)


class _Log:
    """A log being read."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._repeats, self._told, self._stretches = Repeats(), Repeats(), Stretches()

    def calls(self) -> Iterator[tuple[Entry, LogSession]]:
        place = 1
        for found in json_records(self._source, self._tally, _LISTS):
            place = found.place
            event = unwrapped(found.value, _INNER)
            if not _is_event(event):
                self._tally.unreadable(place, "not_an_event", "It is no audit event of Kubernetes.")
                continue
            if not self._repeats.is_new(f"{event['auditID']}/{event['stage']}"):
                self._tally.warn(place, "repeated_event", "The event came before and was left out.")
                continue
            yield self._call(_Call(event), place)
        conclude(self._source, place, self._tally)

    def _call(self, call: "_Call", place: int) -> tuple[Entry, LogSession]:
        at = moment(call.written_at, place, self._tally)
        session = self._session(call, at)
        is_told = call.command is not None and not self._told.is_new(call.audit_id)
        entry = Entry(
            session=session.key,
            at=at,
            action=f"{call.verb} {call.resource}",
            line=place,
            target=call.target,
            command=None if is_told else call.command,  # once for all stages of a call
            is_allowed=call.is_allowed,
            outcome=call.outcome,
            source_address=call.address,
            reference=call.audit_id,
            facts=call.facts(),
        )
        return entry, session

    def _session(self, call: "_Call", at: datetime | None) -> LogSession:
        if call.kind in _SESSIONS:
            return LogSession(
                key=f"{call.kind}/{call.audit_id}",
                user=call.user,
                run_as=call.impersonated,
                host=call.target,
                external_id=call.audit_id,
                facts={**call.session_facts(), **call.container_facts()},
                is_interactive=call.is_interactive,
            )
        if call.user is None or (call.user.startswith(_CLUSTER) and call.impersonated is None):
            return LogSession(NO_SESSION)
        owner = f"{call.user}/{call.impersonated or ''}/{call.address or ''}"
        return self._stretches.of(
            owner[:400],
            at,
            lambda key: LogSession(
                key, user=call.user, run_as=call.impersonated, facts=call.session_facts(), is_interactive=None
            ),
        )


class _Call:
    """One audit event."""

    def __init__(self, event: dict[str, Any]) -> None:
        self._event = event
        self._object = mapping(event.get("objectRef"))
        self._user = mapping(event.get("user"))
        self._status = mapping(event.get("responseStatus"))
        self._annotations = mapping(event.get("annotations"))
        self._asked = _asked(event.get("requestURI"))
        self._debug = _debug_container(event)
        self.audit_id = word(event["auditID"], 100) or "?"
        self.stage = word(event["stage"], 60)
        self.verb = word(event.get("verb"), 60) or "?"
        self.kind = word(self._object.get("subresource"), 100)
        self.user = word(self._user.get("username"))
        self.impersonated = word(mapping(event.get("impersonatedUser")).get("username"))
        addresses = event.get("sourceIPs")
        self.address = word(addresses[-1]) if isinstance(addresses, list) and addresses else None
        self.command = self._command()

    @property
    def written_at(self) -> Any:
        """When it came to this stage, or the nearest that is told."""
        names = ("stageTimestamp", "requestReceivedTimestamp", "timestamp")
        return next((self._event[name] for name in names if self._event.get(name)), None)

    @property
    def resource(self) -> str:
        name = word(self._object.get("resource"), 100)
        if name is None:  # such as /healthz
            return fields.clean(_path(self._event.get("requestURI")), 200)
        return f"{name}/{self.kind}" if self.kind else name

    @property
    def target(self) -> str | None:
        parts = [word(self._object.get("namespace")), word(self._object.get("name"))]
        return "/".join(part for part in parts if part) or None

    @property
    def is_allowed(self) -> bool | None:
        told = self._annotations.get("authorization.k8s.io/decision")
        if isinstance(told, str) and told in _DECISIONS:
            return _DECISIONS[told]
        code = self._status.get("code")
        if code in (401, 403):
            return False
        return True if isinstance(code, int) and 100 <= code < 400 else None

    @property
    def outcome(self) -> str | None:
        parts = [word(self._status.get("code")), word(self._status.get("reason"), 100)]
        return " ".join(part for part in parts if part) or None

    @property
    def is_interactive(self) -> bool | None:
        if self.kind in ("exec", "attach"):
            return self._first("stdin") in ("true", "1") and self._first("tty") in ("true", "1")
        return None

    def _first(self, name: str) -> str | None:
        return next((word(value) for key, value in self._asked if key == name), None)

    def _command(self) -> str | None:
        parts = [value for key, value in self._asked if key == "command"] if self.kind == "exec" else []
        if self.kind == "ephemeralcontainers" and isinstance(told := self._debug.get("command"), list):
            parts = [one for one in told[:MOST_FIELDS] if isinstance(one, str)]
        return fields.clean(shlex.join(parts), LONGEST_COMMAND) if parts else None

    def session_facts(self) -> dict[str, str]:
        extra = mapping(self._user.get("extra"))
        return known(
            [
                ("groups", words(self._user.get("groups"))),
                ("source_address", self.address),
                (
                    "service_account",
                    "yes" if (self.user or "").startswith("system:serviceaccount:") else None,
                ),
                *((kept, words(extra.get(name))) for name, kept in _EXTRA.items()),
            ]
        )

    def container_facts(self) -> dict[str, str]:
        """Of a session in a container."""
        return known(
            [
                ("kind", self.kind),
                ("namespace", word(self._object.get("namespace"))),
                ("pod", word(self._object.get("name"))),
                ("container", self._first("container") or word(self._debug.get("targetContainerName"))),
                ("debug_container", word(self._debug.get("name"))),
                ("image", word(self._debug.get("image"))),
                ("tty", self._first("tty")),
                ("stdin", self._first("stdin")),
                ("ports", self._first("ports")),
            ]
        )

    def facts(self) -> dict[str, str]:
        """Of the call itself."""
        body = mapping(self._event.get("requestObject"))
        is_binding = word(self._object.get("resource")) in _BINDINGS
        role = mapping(body.get("roleRef")) if is_binding else {}
        subjects = body.get("subjects") if is_binding else None
        return known(
            [
                ("stage", self.stage),
                ("level", word(self._event.get("level"), 40)),
                ("user_agent", word(self._event.get("userAgent"))),
                ("reason", word(self._annotations.get("authorization.k8s.io/reason"))),
                ("api_group", word(self._object.get("apiGroup"), 200)),
                ("role", _joined(role) if role else None),
                ("subjects", words([_joined(mapping(one)) for one in subjects]))
                if isinstance(subjects, list)
                else ("subjects", None),
            ]
        )


def _joined(reference: dict[str, Any]) -> str:
    parts = [word(reference.get(name), 200) for name in ("kind", "namespace", "name")]
    return "/".join(part for part in parts if part)


def _path(uri: Any) -> str:
    """The path of a request without its query, which may hold anything."""
    return uri.partition("?")[0] if isinstance(uri, str) else "?"


def _asked(uri: Any) -> list[tuple[str, str]]:
    """The query of a request, in its order."""
    if not isinstance(uri, str):
        return []
    try:
        return parse_qsl(
            urlsplit(uri).query, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"
        )
    except ValueError:
        return []


def _debug_container(event: dict[str, Any]) -> dict[str, Any]:
    """The debug container that a request adds, which is the last one."""
    found = mapping(mapping(event.get("requestObject")).get("spec")).get("ephemeralContainers")
    is_debug = mapping(event.get("objectRef")).get("subresource") == "ephemeralcontainers"
    return mapping(found[-1]) if is_debug and isinstance(found, list) and found else {}


FORMAT = Format(KEY, "Kubernetes audit log", 1, recognises, read)
