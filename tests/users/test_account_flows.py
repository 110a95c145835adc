"""What people do with their own sign-in: it works, is recorded, and goes no further."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users import services
from portal.users.models import User
from portal.users.roles import Role
from tests.factories.people import PASSWORD, People, user

pytestmark = pytest.mark.django_db

ANOTHER = "another horse battery"
TWICE = {"password1": ANOTHER, "password2": ANOTHER}


@pytest.fixture(autouse=True)
def no_rate_limit_of_other_tests() -> None:
    cache.clear()


def signed_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == 200


def confirmed(email: str) -> Client:
    """Signed in, and the password typed again, as acts on the sign-in itself want it."""
    client = signed_in(email)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def reset_link(email: str) -> str:
    Client().post(reverse("account_reset_password"), {"email": email})
    found = re.search(r"https?://[^/\s]+(\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def follow(link: str) -> None:
    """Open the link and set another password, if it lets one."""
    client = Client()
    response = client.get(link)
    if response.status_code == 302:
        client.post(response["Location"], TWICE)


def recorded(who: User, verb: Verb) -> list[object]:
    return [event.payload.facts for event in Event.objects.about(who).filter(verb=verb)]


def test_a_reset_link_sets_a_password_ends_sessions_and_is_recorded(people: People) -> None:
    elsewhere = signed_in("tomas@nordhaven.test")
    follow(reset_link("tomas@nordhaven.test"))
    assert is_in(signed_in("tomas@nordhaven.test", ANOTHER))
    assert not is_in(elsewhere)
    assert len(recorded(people.tomas, Verb.USER_PASSWORD_CHANGED)) == 1
    assert not Event.objects.filter(payload__facts__icontains=ANOTHER).exists()


def test_a_reset_link_opens_nothing_once_the_sign_in_has_ended(people: People) -> None:
    link = reset_link("omar@nordhaven.test")
    services.end_sign_in(people.omar, actor=PORTAL, at=moment.now(), because="test")
    follow(link)
    people.omar.refresh_from_db()
    assert people.omar.check_password(PASSWORD)


def test_a_reset_link_is_of_one_epoch(people: People) -> None:
    link = reset_link("omar@nordhaven.test")
    User.objects.filter(pk=people.omar.pk).update(access_epoch=2)
    follow(link)
    people.omar.refresh_from_db()
    assert people.omar.check_password(PASSWORD)


def test_a_new_password_keeps_this_session_and_is_recorded(people: People) -> None:
    client, elsewhere = signed_in("tomas@nordhaven.test"), signed_in("tomas@nordhaven.test")
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **TWICE})
    assert is_in(client)
    assert not is_in(elsewhere)
    (event,) = Event.objects.about(people.tomas).filter(verb=Verb.USER_PASSWORD_CHANGED)
    assert event.actor_id == str(people.tomas.pk)


def test_a_factor_comes_and_goes_and_both_are_recorded(
    people: People, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = confirmed("tomas@nordhaven.test")
    client.get(reverse("mfa_activate_totp"))
    secret = client.session["mfa.totp.secret"]
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
    kept = str(list(Authenticator.objects.filter(user=people.tomas).values_list("data", flat=True)))
    assert secret not in kept
    assert {"factor": "totp"} in recorded(people.tomas, Verb.USER_FACTOR_ADDED)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("mfa_generate_recovery_codes")).status_code == 302
    assert {"factor": "recovery_codes"} in recorded(people.tomas, Verb.USER_FACTOR_ADDED)
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    assert recorded(people.tomas, Verb.USER_FACTOR_REMOVED) == [{"factor": "totp"}]
    assert secret not in "".join(str(event.payload.facts) for event in Event.objects.about(people.tomas))


def test_other_sessions_can_be_ended(people: People) -> None:
    elsewhere, client = signed_in("tomas@nordhaven.test"), signed_in("tomas@nordhaven.test")
    assert is_in(elsewhere)
    assert is_in(client)
    assert client.post(reverse("usersessions_list")).status_code == 302
    assert is_in(client)
    assert not is_in(elsewhere)


def test_nobody_changes_the_address_that_they_are_known_by(people: People) -> None:
    client = confirmed("tomas@nordhaven.test")
    for act in ("action_add", "action_primary"):
        response = client.post(reverse("account_email"), {act: "", "email": "ceo@nordhaven.test"})
        assert response.status_code == 404
    assert client.get(reverse("account_email")).status_code == 404
    people.tomas.refresh_from_db()
    assert people.tomas.email == "tomas@nordhaven.test"


def test_a_machine_never_signs_in_like_a_person(people: People) -> None:
    machine = user("Jumphost", Role.RECORDER, kind=User.Kind.MACHINE)
    assert machine.has_usable_password()
    assert not is_in(signed_in(machine.email))
    follow(reset_link(machine.email))
    assert not is_in(signed_in(machine.email, ANOTHER))
    assert not Event.objects.about(machine).filter(verb=Verb.USER_SIGNED_IN).exists()


def test_of_two_administrators_at_once_the_second_sees_the_first(people: People) -> None:
    seen_by_both = User.objects.get(pk=people.omar.pk)
    services.set_roles(people.omar, [Role.HR], actor=people.mikael.actor, by=people.mikael)
    with pytest.raises(Conflict):
        services.set_roles(seen_by_both, [Role.SECURITY], actor=PORTAL)
    people.omar.refresh_from_db()
    assert people.omar.roles == ["hr"]
