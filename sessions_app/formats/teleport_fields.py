"""What events of Teleport say about a session, by the names of its audit log."""

import re
from collections.abc import Iterable
from typing import Any

from sessions_app.formats.calls import known, mapping, word, words
from sessions_app.formats.json_records import Wrappers

LISTS = Wrappers("events", "Events", "items")
INNER = ("message", "@message", "_source", "event_data")

_CODE = re.compile(r"[A-Z]{1,6}[0-9]{2,5}[A-Z]{0,2}")
_OWN = ("ei", "uid", "cluster_name", "sid", "code")
_KINDS = {1: "human", 2: "bot", 3: "system", "1": "human", "2": "bot", "3": "system"}
_PLAIN = (
    *("cluster_name", "login", "bot_name", "bot_instance_id", "impersonator", "private_key_policy"),
    *("session_recording", "reason", "server_id", "db_service", "db_name", "kubernetes_cluster", "app_name"),
    *("namespace", "user_cluster_name"),
)
_LISTED = ("access_requests", "participants", "invited", "user_roles", "initial_command")


def is_event(value: dict[str, Any]) -> bool:
    """Whether an object has the name of an event, its time, and something that only Teleport writes."""
    if not isinstance(value.get("event"), str) or not isinstance(value.get("time"), str):
        return False
    if value["event"] == "print" and "ms" in value:
        return True
    code = value.get("code")
    return isinstance(code, str) and bool(_CODE.fullmatch(code)) and sum(name in value for name in _OWN) >= 2


def texts(event: dict[str, Any], names: Iterable[str]) -> str | None:
    """The first of these that is told."""
    return next((found for name in names if (found := words(event.get(name)))), None)


def session_facts(event: dict[str, Any]) -> dict[str, str]:
    """What is kept of a session: who, by which right, with what, recorded how."""
    mfa = event.get("with_mfa")
    device = mapping(event.get("trusted_device"))
    labels = [word(device.get(name), 100) for name in ("asset_tag", "device_id")]
    return known(
        [
            *((name, word(event.get(name))) for name in _PLAIN),
            *((name, words(event.get(name))) for name in _LISTED),
            (
                "user_kind",
                _KINDS.get(kind) if isinstance(kind := event.get("user_kind"), int | str) else None,
            ),
            ("mfa", "yes" if isinstance(mfa, str) and mfa else None),
            ("device", " ".join(label for label in labels if label) or None),
            ("enhanced_recording", _yes(event.get("enhanced_recording"))),
            ("source_address", word(event.get("addr.remote"))),
            ("protocol", word(event.get("proto"), 40) or word(event.get("db_protocol"), 40)),
        ]
    )


def _yes(value: Any) -> str | None:
    return ("yes" if value else "no") if isinstance(value, bool) else None
