"""Findings, the rules behind them, and the controls they speak to."""

from django.urls import path

from reviews.views import controls, findings, rules

urlpatterns = [
    path("findings/", findings.finding_list, name="finding_list"),
    path("findings/<uuid:pk>/", findings.finding, name="finding"),
    path("findings/<uuid:pk>/accept/", findings.finding_accept, name="finding_accept"),
    path("findings/<uuid:pk>/open/", findings.finding_open, name="finding_open"),
    path("identities/<uuid:pk>/findings/", findings.identity_findings, name="identity_findings"),
    path("rules/", rules.rule_list, name="rule_list"),
    path("rules/ask/", rules.rules_ask, name="rules_ask"),
    path("rules/<str:code>/", rules.rule, name="rule"),
    path("controls/", controls.control_list, name="control_list"),
]
