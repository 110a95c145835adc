"""What a population commits to, line by line: one table of fields for the SQL and for the code that checks.

docs/evidence-format.md describes these lines for verifiers that never saw this code. A launch builds
them where the rows are, as canonical JSON (RFC 8785); a test proves that SQL and Python agree byte for byte.
"""

from collections.abc import Mapping
from typing import Any, Final

from portal.audit import canonical, merkle

# key of the fact -> how it is written, and the column it comes from; keys in the order of RFC 8785.
Fields = Mapping[str, tuple[str, str]]

ITEM: Final[Fields] = {
    "account": ("hex", "account_card"),
    "account_id": ("int", "account_id"),
    "accountable_id": ("text", "accountable_id"),
    "campaign": ("text", "campaign_code"),
    "credential_id": ("int", "credential_id"),
    "delta": ("text", "delta"),
    "entitlement": ("hex", "entitlement_card"),
    "entitlement_id": ("int", "entitlement_id"),
    "grant_id": ("int", "grant_id"),
    "is_privileged": ("bool", "is_privileged"),
    "kind": ("text", "kind"),
    "last_used_at": ("time", "last_used_at"),
    "last_used_source": ("text", "last_used_source"),
    "number": ("int", "number"),
    "rank": ("int", "rank"),
    "reviewer_rule": ("text", "reviewer_rule"),
    "run_id": ("text", "run_id"),
    "since": ("time", "since"),
    "subject": ("hex", "subject_card"),
    "subject_id": ("text", "subject_id"),
    "subject_kind": ("text", "subject_kind"),
    "system_id": ("text", "system_id"),
    "v": ("int", "v"),
}

EXCLUSION: Final[Fields] = {
    "account": ("hex", "account_card"),
    "code": ("text", "code"),
    "entitlement": ("hex", "entitlement_card"),
    "kind": ("text", "kind"),
    "subject_id": ("int", "subject_id"),
    "system": ("text", "system_code"),
    "v": ("int", "v"),
}

_WRITTEN: Final = {
    "hex": """'"' || encode({}, 'hex') || '"'""",
    "int": "{}::text",
    "bool": "{}::text",
    "text": "to_json({}::text)::text",
    "time": """'"' || to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'""",
}


def line_sql(fields: Fields, relation: str) -> str:
    """An SQL expression for the canonical JSON text of one row of `relation`, which has every column."""
    parts = [
        f"""'"{key}":' || coalesce({_WRITTEN[written].format(f"{relation}.{column}")}, 'null')"""
        for key, (written, column) in fields.items()
    ]
    return "'{' || " + " || ',' || ".join(parts) + " || '}'"


def facts(row: Any, fields: Fields, **constants: object) -> dict[str, object]:
    """The same line as facts, from a row's attributes; `constants` are columns that the row doesn't have."""
    given = {"v": 1, **constants}
    return {
        key: given[column] if column in given else getattr(row, column)
        for key, (_how, column) in fields.items()
    }


def item_data(item: Any, campaign_code: str) -> bytes:
    """The bytes of an item's leaf, rebuilt from its frozen columns."""
    return canonical.encode(facts(item, ITEM, campaign_code=campaign_code))


def item_leaf(item: Any, campaign_code: str) -> bytes:
    """The leaf hash that `ReviewItem.leaf` must hold: SHA-256(0x00 ‖ data)."""
    return merkle.leaf_hash(item_data(item, campaign_code))
