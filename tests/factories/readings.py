"""Files sent, read and applied, the way the portal does it: through the services and their tasks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from accounts.models import ImportRun, Source, System
from accounts.services import imports, releases, sources
from portal.audit.services import PORTAL
from portal.tasks.testing import drain
from portal.users.models import Approval, User
from portal.users.roles import Role
from tests.factories import people

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # the first reading's moment; each day() is one later
_numbers = count(1)


def day(number: int) -> datetime:
    """The moment of a daily reading."""
    return START + timedelta(days=number)


def iam() -> User:
    """Who sends files."""
    return User.objects.filter(roles__contains=[Role.IAM.value]).first() or people.user(
        "Mikael Strand", Role.IAM
    )


def second() -> User:
    """Who releases what a fuse holds back."""
    return User.objects.filter(roles__contains=[Role.COMPLIANCE.value]).first() or people.user(
        "Ines Falk", Role.COMPLIANCE
    )


def system(code: str = "CORE", **fields: Any) -> System:
    """A system made by its service."""
    return sources.create_system(code=code, name=f"System {code}", actor=PORTAL, **fields)


def source(
    system: System | None = None,
    *,
    connector: str = "",
    mapping: Mapping[str, str] | None = None,
    is_released: bool = True,
    **fields: Any,
) -> Source:
    """A source that lists everything, released unless said otherwise."""
    made = sources.create_source(
        name=fields.pop("name", f"Source {next(_numbers)}"),
        connector=connector or ("csv_accounts" if system else "hr_csv"),
        system=system,
        mapping={"complete": "yes"} if mapping is None else mapping,
        actor=PORTAL,
        **fields,
    )
    return sources.release(made, version=made.version, by=iam()) if is_released else made


def received(source: Source, text: str | bytes, taken_at: datetime | None = None, **fields: Any) -> ImportRun:
    """A file sent by hand and not yet read."""
    data = text.encode() if isinstance(text, str) else text
    values: dict[str, Any] = {
        "file_name": "extract.csv",
        "by": iam(),
        "provenance": ImportRun.Provenance.UPLOADED,
    }
    return imports.receive(source, BytesIO(data), taken_at=taken_at, **(values | fields))


def previewed(
    source: Source, text: str | bytes, taken_at: datetime | None = None, **fields: Any
) -> ImportRun:
    """A file sent and read."""
    run = received(source, text, taken_at, **fields)
    drain()
    return fresh(run)


def applied(source: Source, text: str | bytes, taken_at: datetime | None = None, **fields: Any) -> ImportRun:
    """A file sent, read and applied."""
    return apply(previewed(source, text, taken_at, **fields))


def apply(run: ImportRun) -> ImportRun:
    """A previewed run applied; where a fuse tripped, a second person released it."""
    if run.preview.get("fuse"):
        releases.ask(run, reason="they are right to end", version=run.version, by=iam())
        releases.answer(run, Approval.Verdict.GRANTED, remark="", by=second())
    else:
        imports.apply(run, version=run.version, by=iam())
    drain()
    return fresh(run)


def fresh(row: ImportRun) -> ImportRun:
    """The row as it stands now."""
    return ImportRun.objects.select_related("source__system").get(pk=row.pk)
