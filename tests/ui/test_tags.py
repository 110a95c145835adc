"""Each tag gives a small, complete, escaped piece of HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from portal import moment
from portal.ui.templatetags.portal import initials

NOW = datetime(2026, 9, 29, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_moment() -> Iterator[None]:
    with moment.simulated(NOW):
        yield


@dataclass(frozen=True)
class Somebody:
    name: str
    kind: str = "human"

    def __str__(self) -> str:
        return self.name


def draw(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def query(source: str, path: str, **context: object) -> str:
    return draw(source, request=RequestFactory().get(path), **context)


def test_a_state_has_a_sign_and_a_word_beside_its_tone() -> None:
    html = draw("{% state 'verified_gone' %}")
    assert 'class="tag good"' in html
    assert "<svg" in html
    assert "verified gone" in html


@pytest.mark.parametrize("value", [None, ""])
def test_no_state_is_unknown_and_not_empty(value: object) -> None:
    assert "unknown" in draw("{% state value %}", value=value)


def test_a_state_outside_the_table_is_shown_as_it_is_called() -> None:
    assert "gone fishing" in draw("{% state 'gone_fishing' %}")


def test_a_page_may_give_the_word_of_a_state() -> None:
    html = draw("{% state 'privileged' label=words %}", words="Privileged: wildcard <policy>")
    assert "Privileged: wildcard &lt;policy&gt;" in html
    assert 'class="tag bad"' in html


def test_a_tag_with_an_unheard_of_tone_is_a_mistake() -> None:
    with pytest.raises(TemplateSyntaxError, match="no tone 'red'"):
        draw("{% tag 'red' 'late' %}")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=50), "1 hour ago"),
        (timedelta(hours=4), "4 hours ago"),
        (timedelta(hours=30), "30 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=200), "200 days ago"),
        (timedelta(days=1461), "4 years ago"),
        (-timedelta(days=6) + timedelta(seconds=1), "in 6 days"),
        (-timedelta(hours=2), "in 2 hours"),
    ],
)
def test_time_is_told_from_now(ago: timedelta, words: str) -> None:
    assert f">{words}</time>" in draw("{% when at %}", at=NOW - ago)


def test_time_is_told_to_machines_and_in_full_as_well() -> None:
    html = draw("{% when at %}", at=NOW - timedelta(hours=4))
    assert 'datetime="2026-09-29T06:00:00+00:00"' in html
    assert 'title="29 Sep 2026, 06:00 UTC"' in html


def test_time_in_full_has_the_distance_in_its_title() -> None:
    html = draw("{% when at 'at' %}|{% when at 'day' %}", at=NOW - timedelta(days=3))
    assert ">26 Sep 2026, 10:00</time>" in html
    assert ">26 Sep 2026</time>" in html
    assert 'title="3 days ago"' in html


@pytest.mark.parametrize(
    ("day", "words"),
    [(date(2026, 9, 29), "today"), (date(2026, 9, 30), "tomorrow"), (date(2026, 5, 3), "149 days ago")],
)
def test_a_day_is_told_in_days(day: date, words: str) -> None:
    assert f">{words}</time>" in draw("{% when day %}", day=day)


def test_no_time_is_unknown_unless_the_page_knows_better() -> None:
    assert '<span class="unknown">unknown</span>' in draw("{% when None %}")
    assert "never" in draw("{% when None none='never' %}")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 s"),
        (42, "42 s"),
        (75, "1 min 15 s"),
        (2283, "38 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (7200, "2 h"),
    ],
)
def test_a_length_of_time_has_two_units(length: object, words: str) -> None:
    assert draw("{{ length|duration }}", length=length) == words


def test_an_unknown_length_is_unknown() -> None:
    assert "unknown" in draw("{{ length|duration }}", length=None)


def test_a_number_leads_to_its_rows() -> None:
    html = draw("{% number 1234567 url 'grants' %}", url="/grants/?a=1&b=2")
    assert 'href="/grants/?a=1&amp;b=2"' in html
    assert "1,234,567" in html
    assert '<span class="visually-hidden"> grants</span>' in html


def test_none_of_them_is_a_number_and_unknown_is_a_word() -> None:
    assert ">0<" in draw("{% number 0 '/x/' %}")
    assert "unknown" in draw("{% number None '/x/' %}")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Dana Kovac", "DK"),
        ("Maximiliane von Hohenstein", "MH"),
        ("Cher", "C"),
        ("(former) Ines Falk", "FF"),
        ("", "–"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_people_are_round_and_machines_are_drawn() -> None:
    assert "DK" in draw("{% face who %}", who=Somebody("Dana Kovac"))
    machine = draw("{% face who %}", who=Somebody("agent-triage", "agent"))
    assert "face machine" in machine
    assert "<svg" in machine


def test_who_escapes_names_and_links_to_their_page() -> None:
    html = draw("{% who who url='/i/1/' sub='bot' %}", who=Somebody("<script>", "bot"))
    assert '<a href="/i/1/">&lt;script&gt;</a>' in html
    assert '<span class="sub">bot</span>' in html


def test_nobody_is_unknown() -> None:
    assert "unknown" in draw("{% who None %}")


def test_a_progress_bar_says_it_in_words() -> None:
    html = draw("{% progress 0 0 'nothing to do' %}")
    assert 'max="1" value="0" aria-label="nothing to do"' in html


def test_crumbs_end_with_this_page() -> None:
    html = draw("{% crumbs 'Campaigns' '/c/' 'CAM-1' %}")
    assert '<a href="/c/">Campaigns</a>' in html
    assert '<li aria-current="page">CAM-1</li>' in html


def test_pages_keep_the_rest_of_the_query() -> None:
    pages = Paginator(range(60), 25)
    html = query("{% pager page %}", "/?q=a%26b&page=2", page=pages.get_page(2))
    assert "26–50 of 60" in html
    assert 'href="?q=a%26b&amp;page=1"' in html
    assert 'href="?q=a%26b&amp;page=3"' in html


def test_one_page_needs_no_pager() -> None:
    assert query("{% pager page %}", "/", page=Paginator(range(3), 25).get_page(1)).strip() == ""


@pytest.mark.parametrize(
    ("path", "order", "link"),
    [
        ("/", None, "?sort=name"),
        ("/?sort=name&page=4", "ascending", "?sort=-name"),
        ("/?sort=-name", "descending", "?sort=name"),
        ("/?sort=other", None, "?sort=name"),
    ],
)
def test_only_the_sorted_column_says_so(path: str, order: str | None, link: str) -> None:
    html = query("{% column 'name' 'Name' 'num' %}", path)
    assert f'href="{link}"' in html
    assert ("aria-sort" in html) is (order is not None)
    assert order is None or f'aria-sort="{order}"' in html


def test_an_unheard_of_sign_is_a_mistake() -> None:
    assert "holds:" in draw("{% sign 'yes' %}")
    with pytest.raises(TemplateSyntaxError, match="no sign 'maybe'"):
        draw("{% sign 'maybe' %}")


@pytest.mark.parametrize(
    ("shown", "total", "words"),
    [(25, 1312, "25 of 1,312"), (3, 3, "3 rows"), (1, None, "1 row"), (0, 0, "0 rows")],
)
def test_a_caption_says_how_many_rows_of_how_many(shown: int, total: int | None, words: str) -> None:
    assert draw("{% rows_of shown total %}", shown=shown, total=total) == words
