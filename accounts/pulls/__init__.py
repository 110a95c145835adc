"""Readings that the portal takes itself, through a system's own API, by the format they are written in.

A new one is a module here with a `Pull`, named below. It reads and changes nothing there; what it writes is
the ordinary file of its format, which then goes the way of every other file.
"""

from collections.abc import Mapping
from types import MappingProxyType

from accounts.pulls import aws, kubernetes, ldap
from accounts.pulls.pull import Pull

# The key of a connector -> how its file is pulled.
PULLS: Mapping[str, Pull] = MappingProxyType(
    {
        "aws_authorization": aws.AUTHORIZATION,
        "aws_credential_report": aws.CREDENTIAL_REPORT,
        "kubernetes_rbac": kubernetes.RBAC,
        "ldif": ldap.DIRECTORY,
    }
)
