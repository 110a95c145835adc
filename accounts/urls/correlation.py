"""Whose accounts are: the rules that say so, and the queue of those that nobody is known for."""

from django.urls import path

from accounts.views import correlation, queue

urlpatterns = [
    path("correlation/", correlation.correlation_rules, name="correlation_rules"),
    path("correlation/new/", correlation.correlation_rule_new, name="correlation_rule_new"),
    path("correlation/<uuid:pk>/", correlation.correlation_rule, name="correlation_rule"),
    path("orphans/", queue.orphan_list, name="orphan_list"),
    path("orphans/alike/", queue.orphan_alike, name="orphan_alike"),
    path("orphans/<int:pk>/link/", queue.orphan_link, name="orphan_link"),
    path("orphans/<int:pk>/machine/", queue.orphan_machine, name="orphan_machine"),
    path("orphans/<int:pk>/refuse/", queue.orphan_refuse, name="orphan_refuse"),
    path("orphans/<int:pk>/shared/", queue.orphan_shared, name="orphan_shared"),
]
