"""The password in somebody's directory export is nowhere after a person imported it through the browser.

Not in a page, a file that leaves, a pack, the trail, a table, the vault, the data folder or the log, neither
as it stands in the file nor in Base64.
"""

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from psycopg import sql

from accounts.models import Account, Entitlement, Grant, Identity, ImportRun, System
from portal import moment
from portal.audit.models import Event
from portal.tasks.testing import drain
from portal.testing import CHECKOUT
from portal.vault import services as vault
from portal.vault.models import Blob
from reviews.models import Campaign, Evaluation, EvidencePack
from reviews.rules import engine
from reviews.services import campaigns, packs
from tests.conftest import As
from tests.factories.people import People, identity_of
from tests.factories.reviews import KINDS

pytestmark = pytest.mark.django_db

SAMPLE = CHECKOUT.parent / "shared" / "samples" / "ldif" / "opendj-example.ldif"
# The other passwords of the file are words that stand elsewhere too.
WORDS = ["supersecret", "d3adM3nT3llN0Tal3s", "elizAb3th"]
LISTS = ["identity_list", "account_list", "grant_list", "credential_list", "system_list", "finding_list"]
DAMAGED = "dn: uid=broken,ou=People,dc=example,dc=com\nuserpassword: supersecret\nno colon supersecret\n\n"


def forms_of(word: str) -> list[bytes]:
    """The word and its Base64, wherever in a longer text it begins."""
    found = [word.encode()]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode())
        # The first and last characters depend on what stands beside it.
        found.append(encoded[0 if not before else before + 1 : len(encoded) - 4])
    return found


WANTED = [form for word in WORDS for form in forms_of(word)]


def holds(data: bytes, wanted: list[bytes]) -> bool:
    return any(word in data for word in wanted)


def as_other_tools_write_it(text: bytes) -> bytes:
    """One value goes on in the next line, the others are Base64, and an entry can't be read at all."""
    coded = re.sub(rb"(?m)^userpassword: (.+)$", lambda m: b"userPassword:: " + base64.b64encode(m[1]), text)
    coded = coded.replace(base64.b64encode(b"supersecret"), b"c3Vw\n ZXJzZWNyZXQ=").replace(
        b"userPassword:: " + base64.b64encode(b"elizAb3th"), b"userpassword: eliz\n Ab3th"
    )
    return (coded.rstrip() + b"\n\n" + DAMAGED.encode()).replace(b"\n", b"\r\n")


@pytest.fixture
def sample() -> bytes:
    if not SAMPLE.is_file():
        pytest.skip("the sample files are not beside this checkout")
    text = SAMPLE.read_bytes()
    assert all(word.encode() in text for word in WORDS)
    return text


@pytest.mark.parametrize("how", [bytes, as_other_tools_write_it])
def test_the_password_of_an_export_is_nowhere(
    people: People,
    as_: As,
    sample: bytes,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    how: Callable[[bytes], bytes],
) -> None:
    caplog.set_level("DEBUG")
    mikael, ines = as_(people.mikael), as_(people.ines)
    run = imported(mikael, how(sample))
    assert Account.objects.filter(name="jbond").exists()
    assert {"userpassword"} <= {str(one["name"]).lower() for one in run.cut}
    campaign, pack = reviewed(people)
    bodies = {
        **dict(pages(mikael, ines, run, campaign, pack)),
        **dict(files(ines, pack)),
        **dict(kept()),
        **dict(tables()),
        "what was logged": caplog.text.encode(),
        "what was printed": "".join(capfd.readouterr()).encode(),
    }
    assert [place for place, body in bodies.items() if holds(body, WANTED)] == []
    # Such a search finds what is there.
    found = {place.split(" ")[0] for place, body in bodies.items() if holds(body, forms_of("jbond"))}
    assert found >= {"page", "export", "pack", "disk", "vault", "table"}


def imported(client: Client, data: bytes) -> ImportRun:
    """Uploaded as a new source of a new system, looked at, applied."""
    form = {
        "name": "Directory",
        "tells_of": "new",
        "code": "DIR",
        "system_name": "Directory",
        "environment": "production",
        "complete": "on",
        "file": SimpleUploadedFile("opendj-example.ldif", data),
    }
    answer = client.post(reverse("import_new"), form)
    assert answer.status_code == 302, answer.text
    drain()
    run = ImportRun.objects.get()
    page = client.get(reverse("import_run", args=[run.pk]))
    assert run.state == ImportRun.State.PREVIEWED, run.error
    assert not holds(page.content, WANTED)
    accept = {"version": run.version, "release": "on"}
    assert client.post(reverse("import_apply", args=[run.pk]), accept).status_code == 302
    drain()
    run.refresh_from_db()
    assert run.state == ImportRun.State.APPLIED, run.error
    return run


def reviewed(people: People) -> tuple[Campaign, EvidencePack]:
    """Its rights under review, what is wrong asked for, and a pack of all that."""
    identity = Identity.objects.create(name="James Bond", kind=Identity.Kind.HUMAN)
    Account.objects.filter(name="jbond").update(identity=identity, match_method=Account.Match.HAND)
    engine.evaluate(trigger=Evaluation.Trigger.NIGHT)
    draft = campaigns.create(
        name="Directory",
        systems=list(System.objects.all()),
        kinds=KINDS,
        fallback=identity_of(people.ines),
        due_at=moment.now() + timedelta(days=14),
        privileged_only=False,
        by=people.ines,
    )
    reasons = {line.key: "sent by hand" for line in campaigns.preview(draft).reds}
    campaign = campaigns.launch(draft, version=draft.version, exceptions=reasons, by=people.ines)
    assert campaign.item_count
    pack = packs.request(campaign, with_recordings=False, by=people.ines)
    drain()
    pack.refresh_from_db()
    assert pack.blob is not None, pack.error
    return campaign, pack


def pages(
    mikael: Client, ines: Client, run: ImportRun, campaign: Campaign, pack: EvidencePack
) -> Iterator[tuple[str, bytes]]:
    """Every page that could show it."""
    wanted = [
        *[("import_run", run.pk), ("source", run.source_id), ("system", "DIR"), ("reach", "DIR")],
        *[("account", one) for one in Account.objects.values_list("pk", flat=True)],
        *[("grant", one) for one in Grant.objects.values_list("pk", flat=True)],
        *[("right", one) for one in Entitlement.objects.values_list("pk", flat=True)],
        *[("campaign", campaign.code), ("campaign_items", campaign.code), ("pack", pack.code)],
    ]
    for name, key in wanted:
        yield f"page {name} {key}", shown(ines if name not in {"import_run", "source"} else mikael, name, key)
    for key in Identity.objects.filter(accounts__isnull=False).values_list("pk", flat=True).distinct():
        for name in ("identity", "identity_timeline", "identity_graph", "identity_findings"):
            yield f"page {name} {key}", shown(ines, name, key)
    for name in [
        *LISTS,
        "right_list",
        "as_of",
        "trail",
        "orphan_list",
        "unowned_list",
        "posture",
        "rule_list",
    ]:
        yield f"page {name}", shown(ines, name)
    for uid in Event.objects.values_list("uid", flat=True):
        yield f"page trail_event {uid}", shown(ines, "trail_event", uid)


def shown(client: Client, name: str, *args: object) -> bytes:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, (name, args)
    return unescape(answer.content.decode()).encode()


def files(ines: Client, pack: EvidencePack) -> Iterator[tuple[str, bytes]]:
    """Every list as both kinds of file, and the pack, with what is packed in them."""
    urls = [f"{reverse(name)}?export={form}" for name in LISTS for form in ("csv", "xlsx")]
    urls += [f"{reverse('as_of')}?system=DIR&at=2099-01-01&export=csv", reverse("reach_csv", args=["DIR"])]
    urls += [reverse("reach_xlsx", args=["DIR"]), f"{reverse('right_list')}?export=csv"]
    urls += [reverse("revocation_csv")]
    for url in urls:
        answer = ines.get(url)
        assert answer.status_code == 200, url
        for inner, body in unpacked(body_of(answer)):
            yield f"export {url} {inner}", body
    for inner, body in unpacked(body_of(ines.get(reverse("pack_file", args=[pack.code])))):
        yield f"pack {inner}", body


def body_of(answer: Any) -> bytes:
    return (
        b"".join(cast("Iterator[bytes]", answer))
        if isinstance(answer, StreamingHttpResponse)
        else answer.content
    )


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes, and all that is in them if they are an archive, to the last one."""
    yield "", data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                for inner, body in unpacked(archive.read(name)):
                    yield f"{name}{'/' if inner else ''}{inner}", body


def kept() -> Iterator[tuple[str, bytes]]:
    """The data folder as it lies there, and the vault as it is opened."""
    for path in Path(settings.PORTAL_DATA).rglob("*"):
        if path.is_file():
            for inner, body in unpacked(path.read_bytes()):
                yield f"disk {path.name} {inner}", body
    for blob in Blob.objects.all():
        with vault.open_verified(blob) as file:
            for inner, body in unpacked(file.read()):
                yield f"vault {blob.hexdigest} {inner}", body


def tables() -> Iterator[tuple[str, bytes]]:
    """Every table of ours, in whatever schema: text as it is, bytes as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema',
              'pg_toast') AND has_table_privilege(c.oid, 'SELECT')"""
        )
        for schema, table in cursor.fetchall():
            name = sql.Identifier(schema, table)
            cursor.execute(sql.SQL("SELECT t.*, t::text FROM {} t").format(name))
            parts = [cell for row in cursor.fetchall() for cell in row]
            yield f"table {schema}.{table}", b"\0".join(raw(cell) for cell in parts)


def raw(cell: object) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
