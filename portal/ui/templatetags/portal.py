"""The tags that pages are written with; each returns a small, complete piece of accessible HTML."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, npgettext, pgettext

from portal import moment
from portal.ui import signs
from portal.ui.states import TONE_SIGNS, state_of

register = template.Library()

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
YEAR: Final = 365 * DAY


# States and signs


def _tag(tone: str, sign_name: str, words: object) -> SafeString:
    drawing = signs.sign(sign_name) if sign_name else ""
    return format_html('<span class="tag {}">{}<span>{}</span></span>', tone, drawing, words)


@register.simple_tag
def state(value: object, label: object = None) -> SafeString:
    """The tag of a state, from the one table; None is *unknown*."""
    look = state_of(value)
    return _tag(look.tone, look.sign, look.word if label is None or label == "" else label)


@register.simple_tag
def tag(tone: str, words: object) -> SafeString:
    """A free tag; an unheard-of tone is a mistake of the page and says so."""
    if tone not in TONE_SIGNS:
        raise template.TemplateSyntaxError(f"tag: no tone {tone!r}; there are {', '.join(TONE_SIGNS)}")
    return _tag(tone, TONE_SIGNS[tone], words)


@register.simple_tag
def sign(name: str) -> SafeString:
    """A sign alone, in a round field, with its word for those who do not see it; for `ol.chain`."""
    words = {
        "yes": gettext("holds:"),
        "no": gettext("does not hold:"),
        "part": gettext("holds in part:"),
        "unknown": gettext("unknown:"),
    }
    if name not in words:
        raise template.TemplateSyntaxError(f"sign: no sign {name!r}; there are {', '.join(words)}")
    return format_html(
        '<span class="sign">{}<span class="visually-hidden">{}</span></span>', signs.sign(name), words[name]
    )


@register.simple_tag
def icon(tone: str) -> SafeString:
    """The bare drawing that goes with a tone; for notices."""
    return signs.sign(TONE_SIGNS[tone])


# Time


def _amount(seconds: float) -> str:
    """A span of time in the one unit that says most, to the nearest. Days stay days up to a thousand:
    "unused for 200 days" can be set against a rule, "6 months" can't."""
    if seconds < HOUR - MINUTE / 2:
        count = max(1, round(seconds / MINUTE))
        return ngettext("%d minute", "%d minutes", count) % count
    if seconds < 1.5 * DAY:
        count = round(seconds / HOUR)
        return ngettext("%d hour", "%d hours", count) % count
    if seconds < 1000 * DAY:
        count = round(seconds / DAY)
        return ngettext("%d day", "%d days", count) % count
    count = round(seconds / YEAR)
    return ngettext("%d year", "%d years", count) % count


def _relative(then: datetime, now: datetime) -> str:
    seconds = (now - then).total_seconds()
    if abs(seconds) < MINUTE:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if seconds > 0:
        return gettext("%(span)s ago") % {"span": _amount(seconds)}
    return gettext("in %(span)s") % {"span": _amount(-seconds)}


def _relative_day(then: date, today: date) -> str:
    days = (today - then).days
    if days in (-1, 0, 1):
        return {-1: gettext("tomorrow"), 0: gettext("today"), 1: gettext("yesterday")}[days]
    span = _amount(abs(days) * DAY)
    return (gettext("%(span)s ago") if days > 0 else gettext("in %(span)s")) % {"span": span}


def _unknown(words: object) -> SafeString:
    if words is None or words == "":
        return format_html('<span class="unknown">{}</span>', gettext("unknown"))
    return format_html('<span class="quiet">{}</span>', words)


@register.simple_tag
def when(value: datetime | date | None, form: str = "ago", none: object = None) -> SafeString:
    """A moment or a day for people and machines.

    `form`: "ago" (4 hours ago, in 6 days), "at" (27 Sep 2026, 02:14) or "day" (27 Sep 2026). The title holds
    the other one. None is *unknown* unless the page knows better and says so with `none`.
    """
    if value is None or not isinstance(value, date):
        return _unknown(none)
    if isinstance(value, datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        full = date_format(local, gettext("j M Y, H:i"), use_l10n=False)
        day = date_format(local, gettext("j M Y"), use_l10n=False)
        aware = local if timezone.is_aware(local) else timezone.make_aware(local)
        relative = _relative(aware, moment.now())
        zone = timezone.localtime(aware).tzname() or ""
        absolute_title = f"{full} {zone}".strip()
    else:
        full = day = absolute_title = date_format(value, gettext("j M Y"), use_l10n=False)
        relative = _relative_day(value, timezone.localtime(moment.now()).date())
    shown, title = {
        "ago": (relative, absolute_title),
        "at": (full, relative),
        "day": (day, relative),
    }[form]
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), title, shown)


@register.filter
def duration(value: timedelta | float | None) -> SafeString | str:
    """A length of time in its two largest units: 40 s, 38 min, 2 h 5 min, 3 d 4 h."""
    if value is None or value == "":
        return _unknown(None)
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else float(value))
    units = (
        (DAY, pgettext("unit", "d")),
        (HOUR, pgettext("unit", "h")),
        (MINUTE, pgettext("unit", "min")),
        (1, pgettext("unit", "s")),
    )
    for index, (size, unit) in enumerate(units):
        if seconds >= size:
            count, rest = divmod(seconds, size)
            # Below a quarter of an hour the seconds may matter; above it they do not.
            lower = units[index + 1] if index + 1 < len(units) else None
            if lower and rest >= lower[0] and (lower[0] > 1 or seconds < 15 * MINUTE):
                return f"{count} {unit} {rest // lower[0]} {lower[1]}"
            return f"{count} {unit}"
    return f"0 {units[-1][1]}"


# Numbers


@register.simple_tag
def number(value: int | None, url: str = "", label: str = "") -> SafeString:
    """A number that is a link to the rows behind it; None is *unknown*, which links as well."""
    shown: object = (
        _unknown(None) if value is None else number_format(value, use_l10n=True, force_grouping=True)
    )
    words = format_html('<span class="visually-hidden"> {}</span>', label) if label else ""
    if not url:
        return format_html('<span class="number">{}{}</span>', shown, words)
    return format_html('<a class="number" href="{}">{}{}</a>', url, shown, words)


@register.simple_tag
def progress(value: float, maximum: float, label: str, tone: str = "") -> SafeString:
    """A bar of what is done of the whole; `label` says it in words."""
    return format_html(
        '<progress{} max="{}" value="{}" aria-label="{}"></progress>',
        format_html(' class="{}"', tone) if tone else "",
        maximum or 1,
        value or 0,
        label,
    )


# Who


def initials(name: str) -> str:
    """First letters of the first and the last word of a person's name."""
    words = [word for word in name.replace("(", " ").split() if word[0].isalnum()]
    if not words:
        return "–"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.simple_tag
def face(subject: object, kind: str = "") -> SafeString:
    """A round face with initials for a person, a square one with a drawing for a machine identity."""
    its_kind = str(kind or getattr(subject, "kind", "") or "human")
    if its_kind in ("human", "person"):
        return format_html('<span class="face" aria-hidden="true">{}</span>', initials(str(subject)))
    return format_html('<span class="face machine" aria-hidden="true">{}</span>', signs.machine(its_kind))


@register.simple_tag
def who(subject: object, url: str = "", sub: object = "", kind: str = "") -> SafeString:
    """Face, name (a link where there is a page for it) and one line about them; nobody is *unknown*."""
    if subject is None or subject == "":
        return _unknown(None)
    name = format_html('<a href="{}">{}</a>', url, subject) if url else format_html("<b>{}</b>", subject)
    line = format_html('<span class="sub">{}</span>', sub) if sub else ""
    return format_html('<div class="who">{}<div>{}{}</div></div>', face(subject, kind), name, line)


# Forms


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """One field with its label, help and errors, tied together for screen readers."""
    context = {"field": bound, "is_check": isinstance(bound.field.widget, CheckboxInput)}
    return SafeString(render_to_string("components/_field.html", context))


@register.simple_tag
def fields(form: BaseForm) -> SafeString:
    """All fields of a form, the hidden ones first."""
    hidden = format_html_join("", "{}", ((bound,) for bound in form.hidden_fields()))
    return hidden + format_html_join("", "{}", ((field(bound),) for bound in form.visible_fields()))


@register.simple_tag
def errors(form: BaseForm) -> SafeString:
    """What has to be corrected before it can be saved: each line leads to its field."""
    if not form.errors:
        return SafeString("")
    lines: list[tuple[str, object]] = [("", error) for error in form.non_field_errors()]
    for bound in form:
        target = "" if bound.is_hidden else f"#{bound.id_for_label or bound.auto_id}"
        lines += [(target, f"{bound.label}: {error}") for error in bound.errors]
    return SafeString(render_to_string("components/_errors.html", {"lines": lines}))


# Finding one's way


@register.simple_tag
def crumbs(*parts: Any) -> SafeString:
    """The way here: label, url, label, url …, and the label of this page."""
    pairs = [(parts[at], parts[at + 1]) for at in range(0, len(parts) - 1, 2)]
    links = format_html_join("", '<li><a href="{}">{}</a></li>', ((url, label) for label, url in pairs))
    here = format_html('<li aria-current="page">{}</li>', parts[-1]) if len(parts) % 2 else ""
    return format_html(
        '<nav class="crumbs" aria-label="{}"><ol>{}{}</ol></nav>', gettext("The way here"), links, here
    )


def _query(context: template.Context, **changes: object) -> str:
    """The query of this page with some values changed; None takes one out."""
    request = context.get("request")
    if request is None:
        raise template.TemplateSyntaxError("this tag needs the request in the context")
    query = request.GET.copy()
    for key, value in changes.items():
        if value is None:
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def pager(context: template.Context, page: Page[Any], key: str = "page") -> SafeString:
    """Which rows of how many, and the way to the next; nothing where all rows are on one page."""
    if page.paginator.num_pages <= 1:
        return SafeString("")
    links = {
        "previous": _query(context, **{key: page.previous_page_number()}) if page.has_previous() else "",
        "next": _query(context, **{key: page.next_page_number()}) if page.has_next() else "",
    }
    return SafeString(render_to_string("components/_pager.html", {"page": page, **links}))


@register.simple_tag(takes_context=True)
def column(context: template.Context, name: str, label: str, class_: str = "") -> SafeString:
    """The head of a column that can be sorted; `?sort=name` goes up, `?sort=-name` down."""
    request = context.get("request")
    current = request.GET.get("sort", "") if request is not None else ""
    order = {name: "ascending", f"-{name}": "descending"}.get(current, "")
    url = _query(context, sort=f"-{name}" if current == name else name, page=None)
    return format_html(
        '<th scope="col"{}{}><a href="{}">{}</a></th>',
        format_html(' class="{}"', class_) if class_ else "",
        format_html(' aria-sort="{}"', order) if order else "",
        url,
        label,
    )


@register.simple_tag
def rows_of(shown: int, total: int | None) -> str:
    """How many rows are on the page, of how many; one number where they are all there."""
    if total is None or total == shown:
        return npgettext("rows", "%d row", "%d rows", shown) % shown
    return gettext("%(shown)s of %(total)s") % {
        "shown": shown,
        "total": number_format(total, force_grouping=True),
    }
