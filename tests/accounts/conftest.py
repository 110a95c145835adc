"""What the tests of accounts share."""

from collections.abc import Callable

import pytest

from accounts.models import Source
from accounts.services import feeds
from portal.users.models import User
from tests.factories import people, readings

TokenFor = Callable[[Source], str]


@pytest.fixture
def import_token(db: None) -> TokenFor:
    """The secret of a machine that may push files of the source it is called with, and holds no role."""
    machine = people.user("core-export", kind=User.Kind.MACHINE)

    def issued(source: Source) -> str:
        return feeds.issue_token(source, machine, label="nightly", days=30, by=readings.iam())[1]

    return issued
