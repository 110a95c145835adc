"""Which connector a file is for, by its first bytes and its name; a person may always choose another."""

from accounts.connectors import REGISTRY
from accounts.connectors.tables import header_columns

HEAD = 64 * 1024  # bytes that are enough to tell


def sniff(head: bytes, name: str) -> list[str]:
    """Keys of the connectors that may read it, the likeliest first; none if nobody knows it."""
    confidence = {key: connector.sniff(head[:HEAD], name) for key, connector in REGISTRY.items()}
    return sorted(
        (key for key, sure in confidence.items() if sure > 0), key=lambda key: (-confidence[key], key)
    )


def columns(head: bytes, encoding: str | None = None) -> tuple[str, ...]:
    """The column names of a table, for a mapping form; not to be stored: they may be the first row."""
    return header_columns(head[:HEAD], encoding)
