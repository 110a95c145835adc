"""Where the organisation stands."""

from django.urls import path

from reviews.views import posture

urlpatterns = [path("posture/", posture.posture, name="posture")]
