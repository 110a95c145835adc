"""What holds for the whole checkout and no linter knows: sizes, names, locks, templates, migrations."""

import ast
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from portal.testing import CHECKOUT

ROOMS = ("portal", "accounts", "sessions_app", "reviews")
NOT_OURS = {".git", ".hypothesis", ".venv", "node_modules", "var", "build", "__pycache__"}
TEXT = {".py", ".html", ".css", ".js", ".md", ".toml", ".json", ".txt", ".lock", ".svg", ".typ", ".sh", ""}
FILE_LINES, FUNCTION_LINES = 400, 60
THIS = Path("tests/test_project.py")  # it spells out what it looks for

# Path or path::function -> why it may be longer.
LONGER: dict[str, str] = {
    "portal/settings.py": "a table: every setting on one page",
}
# Template -> why its words need no translation.
ENGLISH_ONLY: dict[str, str] = {
    "templates/styleguide.html": "shows the components to those who build pages",
    "templates/styleguide_review.html": "the same, for the page of a review",
    "templates/reviews/pack_summary.html": "goes into the pack: the bytes of evidence are never translated",
}
# app.migration -> why it takes something away at once, rather than add → fill → constrain over two releases.
TAKES_AWAY: dict[str, str] = {}


def files(*suffixes: str) -> Iterator[Path]:
    """The files of this checkout that people wrote, as paths from its top."""
    for path in sorted(CHECKOUT.rglob("*")):
        inside = path.relative_to(CHECKOUT)
        hidden = any(part in NOT_OURS or part.endswith(("_cache", ".egg-info")) for part in inside.parts)
        if path.is_file() and not hidden and (not suffixes or path.suffix in suffixes):
            yield inside


def read(path: Path) -> str:
    return (CHECKOUT / path).read_text(errors="replace")


# --- sizes and names -------------------------------------------------------------------------------


def too_long() -> dict[str, int]:
    found: dict[str, int] = {}
    for path in files(".py"):
        source = read(path)
        if "migrations" in path.parts:
            continue
        if (length := source.count("\n")) > FILE_LINES:
            found[str(path)] = length
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    found[f"{path}::{node.name}"] = length
    return found


def test_files_and_functions_are_short_or_exempt_with_a_reason() -> None:
    found = too_long()
    assert {name: lines for name, lines in found.items() if name not in LONGER} == {}


def test_exemptions_are_needed() -> None:
    assert set(LONGER) - set(too_long()) - {"portal/settings.py"} == set()


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [str(path) for path in files(".py") if path.stem in drawers or drawers & set(path.parts)] == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|not yet implemented)\b")
    assert [str(path) for path in files(*TEXT - {".lock"}) if path != THIS and marks.search(read(path))] == []


# --- machines and registries -----------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "package-lock.json"])
def test_locks_are_hashed_and_name_no_host(lock: str) -> None:
    text = read(Path(lock))
    assert re.findall(r"https?://\S+|--(?:extra-)?index-url|--find-links|\"resolved\"", text) == []
    if lock.endswith(".json"):
        assert text.count('"integrity"') == text.count('"node_modules/')
    else:
        packages = re.findall(r"^[a-z0-9].*==.*\\$", text, re.MULTILINE)
        assert len(packages) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 10


def test_no_file_names_this_machine_or_a_registry() -> None:
    hosts = ["pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com"]
    here = [str(CHECKOUT) + "/"] if len(CHECKOUT.parts) > 2 else []
    found = [
        (str(path), word)
        for path in files(*TEXT)
        for word in [*hosts, *here]
        if path != THIS and word in read(path)
    ]
    assert found == []


def test_make_has_few_targets_and_explains_each() -> None:
    makefile = read(Path("Makefile"))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    explained = re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(explained) == sorted(phony[1].split())
    assert len(explained) <= 10


def test_nothing_is_warned_of_with_production_settings() -> None:
    """Django's own checks for a deployment, in a process of their own because settings are read once."""
    ground = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    production = {
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(50),
        "PORTAL_BASE_URL": "https://portal.example",
        "PORTAL_ALLOWED_HOSTS": "portal.example",
    }
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=CHECKOUT,
        env=ground | production,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr[-3000:]


# --- templates -------------------------------------------------------------------------------------


class Template(HTMLParser):
    """Finds in one template what must not be there: inline code, and words that nobody can translate."""

    READ_ALOUD = ("alt", "aria-label", "placeholder", "title", "aria-description")
    NOT_PROSE = ("code", "kbd", "pre", "samp", "script", "style")
    WORD = re.compile(r"\b[^\W\d_]{2,}\b")  # “sha256” is none

    def __init__(self, source: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.unmarked: list[str] = []
        self._inside: list[str] = []
        self.feed(self._without_template_language(source))
        self.close()

    def _without_template_language(self, source: str) -> str:
        for block in ("blocktranslate", "blocktrans", "comment", "verbatim"):
            source = re.sub(rf"{{% {block}\b.*?{{% end{block} %}}", "", source, flags=re.DOTALL)
        # What a block named …class holds goes into an attribute of the page it extends.
        source = re.sub(r"{% block \w*class %}.*?{% endblock %}", "", source, flags=re.DOTALL)
        source = re.sub(r"{% (static|url)\b.*?%}|{{.*?}}", "0", source, flags=re.DOTALL)
        return re.sub(r"{%.*?%}|{#.*?#}", "", source, flags=re.DOTALL)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # A block of JSON is data: no browser runs it, and no policy stops it.
        if tag == "style" or (
            tag == "script" and not given.get("src") and given.get("type") != "application/json"
        ):
            self.inline.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")) or (value or "").startswith("javascript:"):
                self.inline.append(f"{tag} {name}")
            if name in self.READ_ALOUD and self.WORD.search(value or ""):
                self.unmarked.append(f"{name}={value!r}")
        if tag in self.NOT_PROSE:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside and self.WORD.search(data):
            self.unmarked.append(data.strip())


def templates() -> dict[str, Template]:
    return {
        str(path): Template(read(path))
        for path in files(".html")
        if "templates" in path.parts and path.parts[0] != "tests"
    }


def test_no_template_holds_inline_code() -> None:
    assert {name: one.inline for name, one in templates().items() if one.inline} == {}


def test_every_word_in_a_template_is_marked_for_translation() -> None:
    found = {name: one.unmarked for name, one in templates().items() if one.unmarked}
    assert {name: words for name, words in found.items() if name not in ENGLISH_ONLY} == {}


def test_the_template_check_sees_what_it_is_for() -> None:
    bad = Template('<p style="x" onclick="y" title="Word">Some words {{ name }}</p><script>1</script>')
    assert bad.inline == ["p style", "p onclick", "<script>"]
    assert bad.unmarked == ["title='Word'", "Some words 0"]
    good = Template(
        '<p title="{% translate "Word" %}">{% blocktranslate %}Some <b>words</b>{% endblocktranslate %}</p>7'
        '<script src="/a.js"></script><code>ls</code>{# a note #}'
    )
    assert (good.inline, good.unmarked) == ([], [])


# --- migrations ------------------------------------------------------------------------------------


def ours() -> dict[str, migrations.Migration]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {
        f"{app}.{name}": migration
        for (app, name), migration in loader.disk_migrations.items()
        if type(migration).__module__.startswith(ROOMS)
    }


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)


def test_migrations_are_named_for_what_they_do() -> None:
    assert [name for name in ours() if re.search(r"_auto_|\.0002_initial|_alter_.*_and_more$", name)] == []


def test_migrations_can_go_back() -> None:
    assert [
        f"{name}: {type(operation).__name__}"
        for name, migration in ours().items()
        for operation in migration.operations
        if not operation.reversible
    ] == []


def test_a_new_column_leaves_the_running_version_working() -> None:
    """While a new version is brought out, the old one still inserts rows without the column."""
    assert [
        f"{name}: {operation.model_name}.{operation.name}"
        for name, migration in ours().items()
        for operation in migration.operations
        if isinstance(operation, migrations.AddField)
        and not (operation.field.null or operation.field.has_db_default() or operation.field.many_to_many)
        and not made_by(migration, operation.model_name)
    ] == []


def made_by(migration: migrations.Migration, model: str) -> bool:
    """Does this migration make the model itself? A circular reference is added by its own AddField."""
    made = (operation for operation in migration.operations if isinstance(operation, migrations.CreateModel))
    return model.lower() in {operation.name.lower() for operation in made}


def test_what_takes_away_gives_a_reason() -> None:
    kinds = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)
    found = {
        name
        for name, migration in ours().items()
        if any(isinstance(operation, kinds) for operation in migration.operations)
    }
    assert found == set(TAKES_AWAY)


def test_data_and_tables_change_in_separate_migrations() -> None:
    mixed = [
        name
        for name, migration in ours().items()
        if len({isinstance(one, migrations.RunPython) for one in migration.operations}) > 1
    ]
    assert mixed == []
