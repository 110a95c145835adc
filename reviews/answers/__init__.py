"""Answers to the ports of lower rooms, one kind per file. Parts register when they are imported."""

from importlib import import_module
from pkgutil import iter_modules

for part in iter_modules(__path__):
    import_module(f"{__name__}.{part.name}")
