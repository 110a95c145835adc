"""For tests inside a transaction: run the jobs here and now."""

from django.db import transaction

from portal import moment
from portal.tasks import running


def drain(*, raising: bool = True) -> int:
    """Run every ready embedded job in this process and on this connection; returns how many ran.

    What a job raises is raised here, unless `raising=False`: then it is settled as a worker would.
    """
    ran = 0
    while True:
        at = moment.now()
        row = running.claim(running.ready(at), worker="drain", at=at)
        if row is None:
            return ran
        ran += 1
        error = running.run(row, within=transaction.atomic)
        if error is not None and raising:
            raise error
