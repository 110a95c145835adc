"""How a worker and a clock are told to stop."""

import signal
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import FrameType

SLICE_SECONDS = 1.0


class Stop:
    """Asked for by SIGTERM or SIGINT; the loop looks at it, and waits with it instead of sleeping.

    A handler may interrupt itself, so nothing in it may hold a lock: `threading.Event` would hang here.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._bell: SimpleQueue[None] = SimpleQueue()

    def on_signals(self) -> None:
        """Listen to the signals of this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def wait(self, seconds: float) -> None:
        """Sleep, at most until asked to stop."""
        until = time.monotonic() + seconds
        # In slices: a signal that comes just before the wait begins does not end it.
        while not self.is_asked and (left := until - time.monotonic()) > 0:
            with suppress(Empty):
                self._bell.get(timeout=min(left, SLICE_SECONDS))

    def _ask(self, signum: int, _frame: FrameType | None) -> None:
        """The first signal lets what is running finish; a second one ends it too."""
        if self.is_asked:
            raise SystemExit(128 + signum)
        self.is_asked = True
        self._bell.put(None)
