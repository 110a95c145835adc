"""What every test may use."""

import pytest
from django.test import Client

from portal.users.models import User
from tests.factories import people as factory


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The story takes minutes and mostly waits: begun first, it runs beside everything else."""
    items.sort(key=lambda item: "stories" not in item.path.parts)


@pytest.fixture
def people(db: None) -> factory.People:
    """Everybody of the tests."""
    return factory.everybody()


class As:
    """`as_(user)` is a client signed in as that user."""

    def __call__(self, user: User) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client


@pytest.fixture
def as_() -> As:
    """Sign in without the form."""
    return As()
