"""Recordings of sessions, read: pure parsers of other people's formats, one format per file.

A parser turns bytes into a header and a stream of events (`events.py`), never holds the whole
recording, and says of everything odd what it is, where and what was done about it. What cannot be
read at all is refused with `NotReadable`. Plain Python: no Django, nothing of ours.

To add a format, copy `asciicast.py`, enter it in `registry.py`, and test it as `tests/formats` does.
`transcript.py` and `player.py` derive text and a browser copy from events; the bytes of the recording
itself are never changed.
"""

from sessions_app.formats.registry import REGISTRY, read, sniff

__all__ = ["REGISTRY", "read", "sniff"]
