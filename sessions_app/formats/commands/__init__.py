"""Commands out of recordings: what was typed, how that is known, and how sure it is."""

from sessions_app.formats.commands.extraction import Extraction, extract
from sessions_app.formats.commands.found import Command

__all__ = ["Command", "Extraction", "extract"]
