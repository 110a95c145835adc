"""A private PostgreSQL that needs no set-up: the portal starts it, owns it and stops it.

`Cluster` is used by the runner and by the tests; `running_url` lets `manage.py` in another terminal
find the cluster that is up. Nothing here knows Django.
"""

from portal.postgres.cluster import OWNER, RUNTIME, Cluster, running_url
from portal.postgres.refusal import ClusterError

__all__ = ["OWNER", "RUNTIME", "Cluster", "ClusterError", "running_url"]
