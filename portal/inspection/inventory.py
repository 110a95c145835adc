"""Files of inventory: admitted as an import would, then what was admitted is read and counted."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

from django.conf import settings

from accounts.connectors import REGISTRY, admission, sniffing, xlsx
from accounts.connectors.connector import Connector
from accounts.connectors.records import Unreadable
from portal import moment
from portal.inspection.inputs import Input
from portal.inspection.readers import Attempt, Claim, Refused
from portal.inspection.reports import LISTED, InventoryReport
from portal.inspection.tally import Tally
from portal.vault.sealed import SealedFile

SURE = 0.9  # a connector's confidence from which on it is asked before the formats of recordings


class InventoryReader:
    """Whatever the connectors read."""

    @property
    def formats(self) -> dict[str, str]:
        """Key and label of every connector."""
        return {key: connector.label for key, connector in REGISTRY.items()}

    def attempts(self, file: BinaryIO, one: Input) -> Iterator[Attempt]:
        """The connectors that may read it, the likeliest first."""
        head = xlsx.beginning(file)[: sniffing.HEAD]
        for key in sniffing.sniff(head, one.name):
            connector = REGISTRY[key]
            claim = Claim.INVENTORY if connector.sniff(head, one.name) >= SURE else Claim.LIKELY
            read = partial(_read, connector, file, one.shown)
            yield Attempt(key, connector.label, claim, read, InventoryReport)


def _read(connector: Connector, file: BinaryIO, path: str) -> InventoryReport:
    """Without options: what an import without a mapping would read."""
    report = InventoryReport(path)
    try:
        with SealedFile() as spool:
            admitted = admission.admit(
                file, connector, {}, lambda data: _write(spool, data), settings.PORTAL_UPLOAD_LIMIT
            )
            spool.seek(0)
            header, records = connector.read(cast(BinaryIO, spool), {})
            tally = Tally(report, header.taken_at or moment.now())
            for record in records:
                tally.add(record)
    except Unreadable as refusal:
        where = f" (line {refusal.line:,})" if refusal.line else ""
        raise Refused(f"{refusal}{where}") from None
    report.format = connector.key
    report.system, report.taken_at, report.is_full = (
        header.system_reference,
        header.taken_at,
        header.is_full,
    )
    report.notes = list(header.notes)
    report.cut = [{"name": one.name, "why": one.kind, "count": one.count} for one in admitted.cut]
    if count := report.rejected_count:
        words = "1 row would be rejected" if count == 1 else f"{count:,} rows would be rejected"
        listed = f"; the first {LISTED:,} are listed" if count > LISTED else ""
        report.problems.append(f"{words}{listed}.")
    return report


def _write(spool: SealedFile, data: bytes) -> None:
    spool.write(data)
