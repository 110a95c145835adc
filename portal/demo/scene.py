"""What every act of the story needs: who acts, what they act on, and files as if somebody had sent them."""

from io import BytesIO

from accounts.models import Account, Identity, ImportRun, Source, System
from accounts.services import imports, releases, sources
from portal import moment
from portal.demo import sign_ins
from portal.tasks import inline
from portal.users.models import Approval, User

# Why a reading may end more than one person may let it end.
RIGHT = "It was announced, and the system's owner knows."


class Torn(Exception):
    """The story can't go on: something did not happen as it is told."""


def user(name: str) -> User:
    """The portal user of a person or machine."""
    return User.objects.get(name=name)


def iam() -> User:
    """The IAM administrator, who keeps the portal fed."""
    return user(sign_ins.IAM.name)


def identity(name: str) -> Identity:
    """The person or machine of this name; of two namesakes the one who works here."""
    found = Identity.objects.filter(name=name).order_by("created_at", "pk")
    return found.exclude(status=Identity.Status.LEFT).first() or found.get()


def system(code: str) -> System:
    """A system by its code."""
    return System.objects.get(code=code)


def account(code: str, name: str) -> Account:
    """An account that is there."""
    return Account.objects.present().get(system__code=code, name=name)


def receive(
    source: Source, content: bytes, file_name: str, *, by: User, provenance: ImportRun.Provenance
) -> ImportRun:
    """A file comes in and is looked at."""
    with inline.jobs():
        run = imports.receive(
            source,
            BytesIO(content),
            file_name=file_name,
            by=by,
            provenance=provenance,
            taken_at=moment.now(),
        )
    run.refresh_from_db()
    if run.state != ImportRun.State.PREVIEWED:
        raise Torn(f"{source.name}: {run.error or run.state}")
    return run


def apply(run: ImportRun) -> ImportRun:
    """What the preview showed becomes part of the record; the first one of a source is released for it."""
    administrator = iam()
    if run.source.is_quarantined:
        sources.release(run.source, version=run.source.version, by=administrator)
    with inline.jobs():
        if run.preview.get("fuse"):
            releases.ask(run, reason=RIGHT, version=run.version, by=administrator)
            releases.answer(run, Approval.Verdict.GRANTED, remark="", by=user("Ines Falk"))
        else:
            imports.apply(run, version=run.version, by=administrator)
    run.refresh_from_db()
    if run.state != ImportRun.State.APPLIED:
        raise Torn(f"{run.source.name}: {run.error or run.state}")
    return run
