"""Nothing in a template may need more than the content security policy allows."""

import re
from pathlib import Path

import pytest
from django.apps import apps

from portal.ui.signs import sign
from portal.ui.states import STATES, TONE_SIGNS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "emails" not in path.parts)
FORBIDDEN = {
    "an inline style": r"<[^>]*\sstyle\s*=",
    "a style element": r"<style\b",
    "a script without src": r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)",
    "a listener in an attribute": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"\shx-on[:-]?",
    "evaluated values": r"[\"']js:|javascript:",
    "a trigger filter": r"hx-trigger=\"[^\"]*\[",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_holds_nothing_that_the_policy_refuses(page: Path) -> None:
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", page.read_text())
    assert [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)] == []


def test_scripts_of_ours_evaluate_nothing() -> None:
    for script in (ROOT / "portal" / "static" / "portal").glob("*.js"):
        assert not re.search(
            r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", script.read_text()
        )


def test_every_state_of_the_models_is_in_the_table() -> None:
    missing = {
        f"{model.__name__}.{field.name}: {code}"
        for app in ("users", "vault", "outbox", "tasks", "accounts", "sessions_app", "reviews")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.fields
        if field.name in {"state", "status", "verdict", "delta"}
        for code, _label in field.choices or ()
        if str(code) and str(code) not in STATES
    }
    assert missing == set()


def test_every_state_has_a_tone_a_sign_and_a_word() -> None:
    for code, look in STATES.items():
        assert look.tone in TONE_SIGNS, code
        assert str(sign(look.sign)).startswith("<svg"), code
        assert str(look.word), code
