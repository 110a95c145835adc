"""One box for everything: who, which account, system, right, application or credential is meant."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import CharField, F, Func, IntegerField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Lower
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import Account, Application, Credential, Entitlement, Identity, System
from accounts.models.listing import folded, has_words
from accounts.views.identities import me
from portal.ui.render import page
from portal.users.models import User

OF_EACH = 5
SHORTEST, LONGEST = 2, 100  # letters


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that fits."""

    title: str
    line: str
    url: str
    kind: str = ""


@dataclass(slots=True)
class Group:
    """What fits of one kind; `more_url` is the list of all of them, where there are more."""

    code: str
    label: "str | Promise"
    hits: list[Hit] = field(default_factory=list)
    more_url: str = ""


GROUPS: dict[str, "str | Promise"] = {
    "identity": _("Identities"),
    "account": _("Accounts"),
    "system": _("Systems"),
    "right": _("Rights"),
    "application": _("Applications"),
    "credential": _("Credentials"),
}
LISTS = {
    "identity": ("identity_list", "q"),
    "account": ("account_list", "q"),
    "system": ("system_list", "q"),
    "right": ("grant_list", "right"),
    "application": ("application_list", "q"),
    "credential": ("credential_list", "q"),
}


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The first few of each kind that somebody may see, what is called exactly so before the rest."""
    words = " ".join(request.GET.get("q", "").split())[:LONGEST]
    is_short = len(words) < SHORTEST
    groups = [] if is_short else list(found(words, me(request)))
    context = {"words": words, "is_short": is_short, "groups": groups}
    return page(request, "accounts/search.html", context)


def found(words: str, user: User) -> Iterator[Group]:
    """What fits, in one query, by kind."""
    parts = [part for code, rows in _asked(words, user) for part in _exact_first(code, rows, words)]
    groups = {code: Group(code, label) for code, label in GROUPS.items()}
    seen: set[tuple[str, str]] = set()
    rows = parts[0].union(*parts[1:], all=True)
    for code, key, title, line, kind, _rank in sorted(rows, key=lambda row: row[5]):
        if (code, key) in seen:
            continue
        seen.add((code, key))
        group = groups[code]
        if len(group.hits) == OF_EACH:
            group.more_url = _list_of(code, words)
            continue
        group.hits.append(Hit(title, line, _page_of(code, key), kind))
    return (group for group in groups.values() if group.hits)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that fit, and what is shown of them: key of the page, title, second line, kind."""

    rows: "QuerySet[Any, Any]"
    title: str
    line: Any
    kind: Any = field(default_factory=lambda: Value("", CharField()))
    key: str = "pk"


def _asked(words: str, user: User) -> Iterator[tuple[str, _Rows]]:
    """What may be meant: only rows that this person may see."""

    def seen(model: type[Model]) -> Any:
        return model._default_manager.visible_to(user)  # type: ignore[attr-defined]  # a VisibleQuerySet each

    name = has_words("name", words)
    yield (
        "identity",
        _Rows(seen(Identity).filter(name | has_words("email", words)), "name", F("email"), F("kind")),
    )
    called = name | has_words("display_name", words) | has_words("email", words)
    yield "account", _Rows(seen(Account).present().filter(called), "name", F("system__code"))
    yield "system", _Rows(seen(System).filter(name | has_words("code", words)), "name", F("code"), key="code")
    in_words = name | has_words("plain_words", words)
    yield "right", _Rows(seen(Entitlement).filter(in_words), "name", F("system__code"))
    yield "application", _Rows(seen(Application).filter(name), "name", F("environment"))
    begins = Q(folded__startswith=words.lower())
    credentials = seen(Credential).present().alias(folded=Lower("fingerprint")).filter(begins)
    yield "credential", _Rows(credentials, "fingerprint", F("account__name"), key="account_id")


def _exact_first(code: str, one: _Rows, words: str) -> "Iterator[QuerySet[Any, Any]]":
    """What is called exactly so, then the others by name: each a walk of an index, which ends early."""
    columns = {
        "of": Value(code, CharField()),
        "at": Cast(one.key, TextField()),
        "called": Cast(one.title, TextField()),
        "line": Cast(one.line, TextField()),
        "what": Cast(one.kind, TextField()),
    }
    named = one.rows.alias(by_name=folded(one.title))
    exact = named.filter(by_name=Func(Value(words), function="lower", output_field=TextField()))
    for rank, rows in enumerate((exact, named)):
        ranked = rows.annotate(**columns, rank=Value(rank, IntegerField()))
        in_order = ranked.order_by("by_name", "pk")[: OF_EACH + 1]
        yield in_order.values_list("of", "at", "called", "line", "what", "rank")


def _page_of(code: str, key: str) -> str:
    """Where a row is shown; a right without a page of its own leads to who holds it."""
    if code == "right":
        try:
            return reverse("right", args=[key])
        except NoReverseMatch:
            return f"{reverse('grant_list')}?{urlencode({'right': key})}"
    name = "account" if code == "credential" else code
    return reverse(name, args=[key])


def _list_of(code: str, words: str) -> str:
    name, parameter = LISTS[code]
    return f"{reverse(name)}?{urlencode({parameter: words})}"
