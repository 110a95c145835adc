"""The port `happened`, one per verb: this was recorded, does it cause something above?

    @happened[Verb.IDENTITY_EDITED].answered_by("movers are reviewed")
    def review_mover(event_id: int) -> None: ...

A service that wants its event told calls `telling.tell(event)` in its transaction. Answers are called by
a task after the commit, once per event however often the task runs, inside one transaction.
"""

from portal.audit.verbs import Verb
from portal.ports import Port


class Happened:
    """A port for each verb of the log."""

    def __init__(self) -> None:
        self._ports: dict[Verb, Port[[int], None]] = {verb: Port(f"happened: {verb.value}") for verb in Verb}

    def __getitem__(self, verb: Verb) -> Port[[int], None]:
        return self._ports[verb]

    @property
    def answered(self) -> dict[str, list[str]]:
        """Who answers which verb, for ARCHITECTURE.md and its test."""
        return {verb.value: port.keys for verb, port in self._ports.items() if port.keys}


happened = Happened()
