"""The screens of `sessions_app`, and what recorders send."""

from django.urls import URLPattern, URLResolver, path

from sessions_app import api, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/recordings/", api.upload, name="recording_api"),
    path("api/recorders/heartbeat/", api.heartbeat, name="recorder_heartbeat_api"),
    path("sessions/", views.session_list, name="session_list"),
    path("sessions/upload/", views.upload, name="recording_upload"),
    path("sessions/<slug:code>/", views.session, name="session"),
    path("sessions/<slug:code>/watch/", views.watch, name="session_watch"),
    path("sessions/<slug:code>/transcript/", views.transcript, name="session_transcript"),
    path("sessions/<slug:code>/recordings/<uuid:key>/play", views.play, name="recording_play"),
    path("recorders/", views.recorder_list, name="recorder_list"),
    path("recorders/new/", views.recorder_new, name="recorder_new"),
    path("recorders/<slug:code>/", views.recorder, name="recorder"),
    path("recorders/<slug:code>/coverage/<int:key>/end/", views.coverage_end, name="coverage_end"),
]
