"""Names in AWS: ARNs taken apart, moments in both spellings of the command line."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Arn:
    """arn:partition:service:region:account:resource."""

    partition: str
    service: str
    account: str  # twelve digits, `aws` for AWS's own, empty or `*` where none is named
    resource: str

    @property
    def kind(self) -> str:
        """`user`, `role`, `policy` …; `root` for the root user."""
        return self.resource.partition("/")[0]

    @property
    def name(self) -> str:
        """The last part, without the path."""
        return self.resource.rpartition("/")[2]


def arn(text: object) -> Arn | None:
    """The parts of an ARN; None for anything else."""
    if not isinstance(text, str):
        return None
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5]:
        return None
    return Arn(parts[1], parts[2], parts[4], parts[5])


def account_of(text: object) -> str | None:
    """The account id in an ARN; None if it names none."""
    found = arn(text)
    return (
        found.account if found is not None and found.account.isascii() and found.account.isdigit() else None
    )


def moment(text: object) -> datetime | None:
    """`2019-12-18 19:10:08+00:00` or `2019-12-18T19:10:08Z`; unknown without an offset."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
