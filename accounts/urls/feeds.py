"""How readings of a source come without hands."""

from django.urls import path

from accounts.views import feeds

urlpatterns = [
    path("sources/<uuid:pk>/feed/", feeds.source_feed, name="source_feed"),
    path("sources/<uuid:pk>/feed/try/", feeds.source_try, name="source_try"),
    path("sources/<uuid:pk>/feed/read/", feeds.source_read, name="source_read"),
    path("sources/<uuid:pk>/feed/token/", feeds.source_token, name="source_token"),
]
