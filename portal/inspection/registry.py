"""Every reader; which of them reads a file that several claim is told by `readers.Claim`."""

from portal.inspection.inventory import InventoryReader
from portal.inspection.readers import Reader
from portal.inspection.sessions import RecordingReader

READERS: tuple[Reader, ...] = (InventoryReader(), RecordingReader())
