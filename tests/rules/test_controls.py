"""The mapping holds together, corrects wrong ids, and never claims more than it can."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured

from reviews.rules import RULES, controls

OWASP = [f"NHI{number}:2025" for number in range(1, 11)]


def test_every_rule_is_mapped_and_every_mapped_rule_exists() -> None:
    mapped = {code for control in controls.current().controls for code in control.rules}
    assert mapped == set(RULES)


def test_the_ids_of_the_top_ten_are_exact_and_each_has_a_rule() -> None:
    mapping = controls.current()
    assert [one.id for one in mapping.controls if one.framework == "OWASP"] == OWASP
    by_rules = {key: {code for code, rule in RULES.items() if key in rule.owasp} for key in OWASP}
    by_mapping = {one.id: set(one.rules) for one in mapping.controls if one.framework == "OWASP"}
    assert by_rules == by_mapping
    assert all(by_rules.values())


@pytest.mark.parametrize(
    ("words", "found", "corrected"),
    [
        ("NHI-03", "NHI3:2025", True),
        ("nhi-03", "NHI5:2025", True),
        ("PR.AC-4", "PR.AA-05", True),
        ("pr.ac-04", "PR.AA-05", True),
        ("A.9.2.3", "A.8.2", True),
        ("PR.AA-05", "PR.AA-05", False),
        ("PR.AA-5", "PR.AA-05", False),
        ("nhi7", "NHI7:2025", False),
        ("long-lived", "NHI7:2025", False),
        ("7.2.5.1", "7.2.5.1", False),
    ],
)
def test_search_finds_the_right_id(words: str, found: str, corrected: bool) -> None:
    mapping = controls.current()
    assert found in {one.id for one in mapping.matching(words)}
    assert bool(mapping.corrected(words)) is corrected


def test_search_for_something_else_finds_nothing() -> None:
    assert controls.current().matching("XX.99-no") == []
    assert len(controls.current().matching("")) == len(controls.current().controls)


def test_no_id_stands_twice() -> None:
    ids = [(one.framework, one.id) for one in controls.current().controls]
    assert len(ids) == len(set(ids))


def test_nothing_is_called_compliant() -> None:
    text = "".join(path.read_text() for path in controls.FOLDER.glob("*.yaml")).lower()
    assert "complian" not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"evidence": [{"by": "sessions", "gives": "happened", "relation": "evidences"}]}, "not evidence it"),
        ({"framework": "COBIT"}, "no framework COBIT"),
        ({"asks_for": "peace"}, "asks_for is peace"),
        ({"evidence": [{"by": "magic", "gives": "access", "relation": "supports"}]}, "not known"),
    ],
)
def test_what_does_not_hold_together_is_refused(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    found = yaml.safe_load(next(controls.FOLDER.glob("*.yaml")).read_text())
    found["corrections"] = []
    found["controls"] = [next(one for one in found["controls"] if one["id"] == "PR.AA-05") | change]
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump(found))
    with pytest.raises(ImproperlyConfigured, match=says):
        controls.read(path)
