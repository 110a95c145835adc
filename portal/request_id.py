"""The id of the request at hand, so that a line of the log and an audit event find what caused them."""

import logging
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("request_id", default="")


class Filter(logging.Filter):
    """Puts the id on every line of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a line."""
        record.request_id = current.get() or "-"
        return True
