"""What the story promises: checks that are run over one building, and the rows that they ask for most."""

from collections.abc import Callable

from accounts.models import Identity
from reviews.models import Campaign

Check = Callable[[], bool]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """One sentence about the story; its name is what the test says when it is not so."""
    CHECKS.append(function)
    return function


def person(name: str) -> Identity:
    return Identity.objects.human().get(name=name)


def machine(name: str) -> Identity:
    return Identity.objects.machines().get(name=name)


def running() -> Campaign:
    return Campaign.objects.running().get()


def closed() -> Campaign:
    return Campaign.objects.get(state=Campaign.State.CLOSED)
