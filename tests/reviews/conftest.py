"""What the tests of reviews share."""

import pytest

from tests.factories.people import People
from tests.factories.reviews import Bank
from tests.factories.reviews import bank as make_bank


@pytest.fixture
def bank(people: People) -> Bank:
    """One system, its reading, and the people around it."""
    return make_bank(people)
