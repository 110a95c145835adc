"""The one error of this package; its text is what a person reads, so it says what to do."""


class ClusterError(RuntimeError):
    """The private PostgreSQL can't be had; the message says why, where, and what helps."""
