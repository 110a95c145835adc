"""The mapping of rules and evidence to controls: versioned data in `reviews/controls`, checked when read."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from django.core.exceptions import ImproperlyConfigured

FOLDER = Path(__file__).resolve().parent.parent / "controls"

Asks = Literal["access", "happened", "record"]
Relation = Literal["supports", "evidences"]
Source = Literal["findings", "inventory", "log", "offboarding", "reviews", "sessions"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something of the portal that speaks to a control, and how much it says."""

    by: Source
    gives: Asks
    relation: Relation


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a framework, by its id there."""

    framework: str
    id: str
    title: str
    asks_for: Asks
    evidence: tuple[Evidence, ...]
    rules: tuple[str, ...]
    checked: bool  # id and words were compared with the framework's own text


@dataclass(frozen=True, slots=True)
class Correction:
    """An id that is wrong or of an older edition, what it means, and why in one line."""

    asked: str
    means: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """One version of the mapping."""

    version: str
    frameworks: dict[str, str]  # short name → name and edition
    controls: tuple[Control, ...]
    corrections: tuple[Correction, ...]

    def of_rule(self, code: str) -> list[Control]:
        """The controls that findings of this rule speak to."""
        return [control for control in self.controls if code in control.rules]

    def corrected(self, words: str) -> list[Correction]:
        """What somebody who writes an outdated or wrong id is told."""
        asked = folded(words)
        return [one for one in self.corrections if asked and asked == folded(one.asked)]

    def matching(self, words: str) -> list[Control]:
        """By id or title, and by ids that are corrected."""
        asked = folded(words)
        if not asked:
            return list(self.controls)
        meant = {key for one in self.corrected(words) for key in one.means}
        return [
            one
            for one in self.controls
            if one.id in meant or asked in folded(one.id) or words.casefold().strip() in one.title.casefold()
        ]


def folded(words: str) -> str:
    """Ids are written with dots, dashes, colons or none of them, and numbers with zeros before them."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", re.sub(r"[^a-z0-9]+", "", words.casefold()))


@cache
def current() -> Mapping:
    """The newest version that comes with the portal."""
    files = sorted(FOLDER.glob("*.yaml"))
    if not files:
        raise ImproperlyConfigured(f"no mapping of controls in {FOLDER.name}/")
    return read(files[-1])


def read(path: Path) -> Mapping:
    """One file of the mapping; what does not hold together is refused with the place."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    frameworks = {key: f"{one['name']}, {one['edition']}" for key, one in found["frameworks"].items()}
    controls = tuple(_control(path.name, frameworks, one) for one in found["controls"])
    corrections = tuple(
        Correction(str(one["asked"]), tuple(one["means"]), one["why"]) for one in found["corrections"]
    )
    ids = {one.id for one in controls}
    for correction in corrections:
        if missing := set(correction.means) - ids:
            raise ImproperlyConfigured(f"{path.name}, {correction.asked}: no control {sorted(missing)}")
    return Mapping(str(found["version"]), frameworks, controls, corrections)


def _control(file: str, frameworks: dict[str, str], said: dict[str, Any]) -> Control:
    control = Control(
        framework=said["framework"],
        id=str(said["id"]),
        title=said["title"],
        asks_for=said["asks_for"],
        evidence=tuple(Evidence(**one) for one in said["evidence"]),
        rules=tuple(said["rules"]),
        checked=said["checked"],
    )
    where = f"{file}, {control.id}"
    if control.framework not in frameworks:
        raise ImproperlyConfigured(f"{where}: no framework {control.framework}")
    if control.asks_for not in get_args(Asks):
        raise ImproperlyConfigured(f"{where}: asks_for is {control.asks_for}")
    for one in control.evidence:
        known = (one.by in get_args(Source), one.gives in get_args(Asks), one.relation in get_args(Relation))
        if not all(known):
            raise ImproperlyConfigured(f"{where}: {one} has a word that is not known")
        if control.asks_for == "access" and one.relation == "evidences" and one.gives != "access":
            raise ImproperlyConfigured(
                f"{where}: it asks for a decision on access; what {one.by} give supports that, "
                "and does not evidence it"
            )
    return control
