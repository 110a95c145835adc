"""What the hour asks: each part registers with `@every`. Parts register when they are imported."""

from importlib import import_module
from pkgutil import iter_modules

for part in iter_modules(__path__):
    import_module(f"{__name__}.{part.name}")
