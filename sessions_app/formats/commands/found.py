"""What a recording tells of the lines that were typed in it."""

from dataclasses import dataclass
from typing import Literal

# recorder: the recorder observed it itself · osc633, osc133: marks of the shell's integration · paste:
# marks that line editors print around a line · prompt: a line behind what looks like a prompt.
Method = Literal["recorder", "osc633", "osc133", "paste", "prompt"]
Confidence = Literal["high", "medium", "low"]

METHODS: tuple[Method, ...] = ("recorder", "osc633", "osc133", "paste", "prompt")
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Command:
    """A line as it was accepted, `at` seconds after the start; lines that belong together are one.

    It is an aid to the auditor, not proof: programs can print prompts and marks, and what runs inside a
    script or a full-screen program is not seen. `line` is that of the event which accepted it.
    """

    at: float
    text: str
    method: Method
    confidence: Confidence
    aborted: bool = False  # Ctrl-C instead of Enter: it was typed, and not run
    line: int = 0
    prompt: str = ""  # what stood before it, e.g. "user@host:~$"
