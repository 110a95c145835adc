"""What was typed after a prompt for a password is replaced by "*" before it leaves a parser.

The rule is that of sudo's `passprompt_regex`: output that looks like such a prompt hides the input that
follows it, up to the next CR or LF. (sudoers(5), log_passwords.) A prompt may be cut between two events. It
hides too much rather than too little: a file called "password" on the screen hides the rest of that line.
"""

import re

_PROMPT = re.compile(
    rb"(?i:pass[- ]?(?:word|phrase|code|wort)|kennwort|mot de passe|contrase\xc3\xb1a|senha|wachtwoord"
    rb"|has\xc5\x82o|\bpin\b|\botp\b|verification code|secret|\xe5\xaf\x86\xe7\xa0\x81"
    rb"|\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89|\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c)"
)
_LONGEST_PROMPT = 64
_END = re.compile(rb"[\r\n]")
_TYPED = re.compile(rb"[^\r\n]")


class PasswordMask:
    """Watches both directions of one terminal, in the order of its events."""

    def __init__(self) -> None:
        self._tail = b""
        self._is_hiding = self._is_blind = False

    def hide_all(self) -> None:
        """Output is missing from here on, so that a prompt can't be seen: all input is masked."""
        self._is_blind = True

    def output(self, data: bytes) -> bytes:
        """Output, unchanged; a prompt in it hides the input that follows."""
        if not self._is_hiding:
            seen = self._tail + data
            self._is_hiding = _PROMPT.search(seen) is not None
            self._tail = seen[-_LONGEST_PROMPT:]
        return data

    def input(self, data: bytes) -> bytes:
        """Input, with a "*" for each byte that was typed after a prompt."""
        if self._is_blind:
            return _TYPED.sub(b"*", data)
        if not self._is_hiding:
            return data
        end = _END.search(data)
        if end is None:
            return b"*" * len(data)
        self._is_hiding, self._tail = False, b""
        return b"*" * end.start() + data[end.start() :]
