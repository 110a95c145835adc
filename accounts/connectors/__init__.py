"""Pure parsers of other people's inventory formats, by key.

A new one is a module with `CONNECTOR`, named here, and a test with a file of its format. Files are admitted
(`admission.admit`: secrets cut, digests taken) before they are kept, and only what was kept is read.
"""

from collections.abc import Mapping
from types import MappingProxyType

from accounts.connectors import aws_authorization, aws_credential_report, csv_accounts, hr_csv
from accounts.connectors.connector import Connector

REGISTRY: Mapping[str, Connector] = MappingProxyType(
    {
        module.CONNECTOR.key: module.CONNECTOR
        for module in (hr_csv, csv_accounts, aws_authorization, aws_credential_report)
    }
)
