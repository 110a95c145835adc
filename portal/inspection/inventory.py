"""Files of inventory: admitted as an import would, then what was admitted is read and counted."""

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

from django.conf import settings

from accounts.connectors import REGISTRY, admission, sniffing, xlsx
from accounts.connectors.connector import Connector
from accounts.connectors.records import Unreadable
from portal import moment
from portal.inspection.readers import Attempt, Refused
from portal.inspection.reports import Report
from portal.inspection.tally import Tally
from portal.vault.sealed import SealedFile


class InventoryReader:
    """Whatever the connectors read."""

    @property
    def formats(self) -> dict[str, str]:
        """Key and label of every connector."""
        return {key: connector.label for key, connector in REGISTRY.items()}

    def attempts(self, file: BinaryIO, name: str) -> Iterator[Attempt]:
        """The connectors that may read it, the likeliest first."""
        for key in sniffing.sniff(xlsx.beginning(file), name):
            yield Attempt(key, REGISTRY[key].label, partial(_read, REGISTRY[key]))


def _read(connector: Connector, file: BinaryIO, report: Report) -> None:
    """Without options: what an import without a mapping would read."""
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


def _write(spool: SealedFile, data: bytes) -> None:
    spool.write(data)
