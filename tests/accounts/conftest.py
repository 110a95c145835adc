"""What the tests of accounts share."""

import pytest

from portal.users import services
from portal.users.models import User
from tests.factories import people, readings


@pytest.fixture
def import_token(db: None) -> str:
    """The secret of a machine that may push files and holds no role."""
    machine = people.user("core-export", kind=User.Kind.MACHINE)
    _, secret = services.issue_token(machine, label="nightly", scopes=["import"], days=30, by=readings.iam())
    return secret
