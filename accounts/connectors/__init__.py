"""Pure parsers of other people's inventory formats, by key.

A new one is a module with `CONNECTOR`, named here, and a test with a file of its format. Files are admitted
(`admission.admit`: secrets cut, digests taken) before they are kept, and only what was kept is read.
"""

from collections.abc import Mapping
from types import MappingProxyType

from accounts.connectors import (
    csv_accounts,
    cyberark_safes,
    entra,
    github,
    gitlab,
    google_workspace,
    grafana,
    hr_csv,
    jumpserver,
    ldif,
    okta,
    scim,
    slack,
    sudoers,
    teleport,
)
from accounts.connectors.aws import access_keys as aws_access_keys
from accounts.connectors.aws import authorization as aws_authorization
from accounts.connectors.aws import credential_report as aws_credential_report
from accounts.connectors.connector import Connector
from accounts.connectors.kubernetes import rbac as kubernetes_rbac

CONNECTORS = (
    hr_csv,
    csv_accounts,
    aws_authorization,
    aws_credential_report,
    aws_access_keys,
    kubernetes_rbac,
    ldif,
    entra,
    okta,
    google_workspace,
    github,
    gitlab,
    scim,
    slack,
    grafana,
    sudoers,
    teleport,
    jumpserver,
    cyberark_safes,
)
REGISTRY: Mapping[str, Connector] = MappingProxyType(
    {module.CONNECTOR.key: module.CONNECTOR for module in CONNECTORS}
)
