"""One removal lives per target, also when two people decide in the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from accounts.models import Revocation, RevocationCause
from accounts.services import revocations
from accounts.services.revocations import Cause
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from tests.factories import leaver
from tests.factories import people as factory


def test_deciding_at_once_makes_one_removal_with_all_causes(committed_db: object) -> None:
    dana = leaver.dana(factory.everybody())
    together = Barrier(4)

    def decide(number: int) -> None:
        try:
            together.wait(timeout=10)
            cause = Cause(RevocationCause.Kind.DECISION, str(number))
            revocations.decide(dana.grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decide, range(4)))
    removal = Revocation.objects.get()
    assert removal.causes.count() == 4
    joined = [
        event.payload.facts["joined"]  # type: ignore[index]  # not erased, so it has facts
        for event in Event.objects.about(removal).filter(verb=Verb.REVOCATION_DECIDED)
    ]
    assert sorted(joined) == [False, True, True, True]
