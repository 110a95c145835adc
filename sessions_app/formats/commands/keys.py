"""The keys that were pressed, kept only to confirm what the screen shows: they are never text of a result."""

import re

MOST = 4096
_PASTE = re.compile(r"\x1b\[20[01]~")


class Keys:
    """The keys since the last prompt, in bounded memory."""

    def __init__(self) -> None:
        self._pressed = ""
        self.has_interrupt = False

    def press(self, data: str) -> None:
        if len(self._pressed) < MOST:
            self._pressed += data[:MOST]
        self.has_interrupt = "\x03" in data if data.strip("\r\n") else self.has_interrupt

    @property
    def any(self) -> bool:
        return bool(self._pressed)

    def clear(self) -> None:
        self._pressed, self.has_interrupt = "", False

    def typed(self, text: str) -> bool:
        """Whether the keys, taken one by one without any editing, are this text."""
        text = text.strip()
        if not text:
            return False
        keys = _PASTE.sub("", self._pressed).rstrip("\r\n\x03").strip()
        return _corrected(keys) == text.replace("^C", "").strip()


def _corrected(keys: str) -> str:
    if "\x7f" not in keys and "\b" not in keys:
        return keys.replace("\r", "\n")
    kept: list[str] = []
    for key in keys:
        if key in "\x7f\b":
            del kept[-1:]
        else:
            kept.append(key)
    return "".join(kept).replace("\r", "\n")
