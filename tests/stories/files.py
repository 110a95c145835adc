"""The files of the story: real samples where they lie beside the checkout, else the repository's own."""

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "tests" / "data" / "stories"
SAMPLES = ROOT.parent / "shared" / "samples"


def sample(path: str, otherwise: str) -> Path:
    """The sample if there is one, else our own file of the same format."""
    return found if (found := SAMPLES / path).exists() else OWN / otherwise


PEOPLE = OWN / "people.csv"
OTHER_PEOPLE = sample("hr-csv/simulation-hr.csv", "other-people.csv")
AWS_DETAILS = sample("aws-iam/cloudsplaining-example.json", "aws-details.json")
AWS_CREDENTIALS = sample("aws-iam/cloudmapper-credential-report.json", "aws-credentials.csv")
RECORDING_V1 = sample("asciicast/full-v1.json", "session-v1.json")
RECORDING_V2 = sample("asciicast/tool-asciinema24-admin.cast", "session-v2.cast")
RECORDING_V3 = sample("asciicast/full-v3.cast", "session-v3.cast")


@dataclass(frozen=True)
class Core:
    """The inventory of CORE as it stands at a moment; `without` names accounts, or (account, right) pairs."""

    folder: Path

    def rows(
        self, *, without: Collection[str | tuple[str, str]] = (), limit: str = ""
    ) -> list[dict[str, str]]:
        """The rows of the file; `limit` is the end that the limited right has by then."""
        now = datetime.now(UTC)
        moments = {
            "recently": (now - timedelta(days=2)).date().isoformat(),
            "long_ago": (now - timedelta(days=200)).date().isoformat(),
            "limit": limit,
        }
        text = Template((OWN / "core.csv").read_text()).substitute(moments)
        return [
            row
            for row in csv.DictReader(io.StringIO(text))
            if row["account"] not in without and (row["account"], row["entitlement"]) not in without
        ]

    def export(
        self,
        name: str,
        *,
        without: Collection[str | tuple[str, str]] = (),
        limit: str = "",
        is_cut_off: bool = False,
    ) -> Path:
        """An export of now, with its own total; a cut off one lost its last rows on the way."""
        rows = self.rows(without=without, limit=limit)
        out = io.StringIO()
        for key, value in self._remarks(len(rows)).items():
            out.write(f"# {key}: {value}\n")
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[:-2] if is_cut_off else rows)
        path = self.folder / name
        path.write_text(out.getvalue())
        return path

    @staticmethod
    def _remarks(total: int) -> Mapping[str, object]:
        return {
            "system": "CORE",
            "taken": datetime.now(UTC).isoformat(),
            "complete": "yes",
            "covers": "account, grant, credential",
            "total": total,
        }

    @property
    def secrets(self) -> set[str]:
        """What stands in the column `password`, and must be nowhere afterwards."""
        return {row["password"] for row in self.rows()}


def aws_accounts() -> int:
    """How many accounts the file of AWS holds: what somebody else counts at the source."""
    details = json.loads(AWS_DETAILS.read_text())
    return len(details["UserDetailList"]) + len(details["RoleDetailList"])
