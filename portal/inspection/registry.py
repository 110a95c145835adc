"""Every reader, in the order in which they are asked."""

from portal.inspection.inventory import InventoryReader
from portal.inspection.readers import Reader

READERS: tuple[Reader, ...] = (InventoryReader(),)
