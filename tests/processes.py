"""What tests need to know about processes that are not their children."""

import os
import select


def has_ended(pid: int, seconds: float = 15) -> bool:
    """Wait for the end of a process, however it was started; Linux only."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
