"""The app `reviews`."""

from importlib import import_module

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """Campaigns, decisions and evidence packs."""

    name = "reviews"

    def ready(self) -> None:
        import_module("reviews.answers")
