"""The screens of `reviews`, one file an aggregate."""

from importlib import import_module
from pkgutil import iter_modules

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
for part in iter_modules(__path__):
    urlpatterns += import_module(f"{__name__}.{part.name}").urlpatterns
