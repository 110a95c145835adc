"""N1: machines whom nobody answers for, by example tables."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import (
    Account,
    Application,
    CaseLine,
    GrantUse,
    OffboardingCase,
    Revocation,
    System,
)
from portal import moment
from portal.audit.models import uuid7
from tests.factories import inventory
from tests.rules.conftest import Ask, account_of, ago, fires, key_of, machine, privileged

pytestmark = pytest.mark.django_db


def application(**fields: Any) -> Application:
    return Application.objects.create(name=f"App {uuid7()}", created_at=moment.now(), **fields)


# --- N1.1 and N1.2: who answers for it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "applications", "left", "nobody"),
    [
        # the owner, the application's owner → has left?, nobody?
        ("active", None, False, False),
        ("on_leave", None, False, False),
        ("left", None, True, False),
        ("left", "active", False, False),
        ("left", "left", True, False),
        (None, "active", False, False),
        (None, "left", True, False),
        (None, None, False, True),
    ],
)
def test_who_answers(ask: Ask, own: str | None, applications: str | None, left: bool, nobody: bool) -> None:
    owner = inventory.identity(status=own) if own else None
    behind = inventory.identity(status=applications) if applications else None
    made = machine(owner=owner, application=application(owner=behind) if behind else None)
    assert fires(ask("N1.1"), made) is left
    assert fires(ask("N1.2"), made) is nobody


def test_a_machine_is_no_owner(ask: Ask) -> None:
    boss = machine()
    made = machine(owner=boss)
    found = ask("N1.2")
    assert fires(found, made)
    assert found[str(made.pk)].facts == {"why": "machine"}


@pytest.mark.parametrize("rule", ["N1.1", "N1.2", "N1.5"])
def test_what_is_retired_needs_nobody(ask: Ask, rule: str) -> None:
    machine(owner=None, status="left", application=application(status="retired"))
    assert ask(rule) == {}


def test_people_need_no_owner(ask: Ask) -> None:
    inventory.identity("Dana Kovac")
    assert ask("N1.2") == {}


# --- N1.3: somebody behind the owner ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deputy", "right", "fired"),
    [
        (None, True, True),
        (None, False, False),
        (None, None, False),
        ("active", True, False),
        ("left", True, True),
    ],
)
def test_a_privileged_machine_needs_a_deputy(
    ask: Ask, core: System, deputy: str | None, right: bool | None, fired: bool
) -> None:
    made = machine(core, deputy=inventory.identity(status=deputy) if deputy else None)
    inventory.grant(account_of(made), inventory.entitlement(core, privileged=right))
    assert fires(ask("N1.3"), made) is fired


def test_the_deputy_of_its_application_counts(ask: Ask, core: System) -> None:
    made = machine(core, application=application(deputy=inventory.identity()))
    privileged(made)
    assert ask("N1.3") == {}


# --- N1.4: unused, against its rhythm -----------------------------------------------------------------

# The reading was taken yesterday; days are counted back from then.
UNUSED = [
    # rhythm, days since its last use, unused?
    ("", 89, False),
    ("", 90, False),
    ("", 92, True),
    ("daily", 92, True),
    ("monthly", 92, True),
    ("quarterly", 120, False),
    ("quarterly", 124, True),
    ("yearly", 200, False),
    ("yearly", 395, False),
    ("yearly", 398, True),
    ("emergency", 2_000, False),
    ("", None, False),
]


@pytest.mark.parametrize(("rhythm", "days", "fired"), UNUSED)
def test_unused_is_judged_against_the_rhythm(
    ask: Ask, core: System, rhythm: str, days: float | None, fired: bool
) -> None:
    made = machine(core, rhythm=rhythm)
    last = ago(days) if days else None
    Account.objects.filter(identity=made).update(last_used_at=last)
    assert fires(ask("N1.4"), made) is fired


def test_a_use_that_any_source_knows_of_counts(ask: Ask, core: System) -> None:
    by_key, by_right, by_both = (machine(core) for _ in range(3))
    Account.objects.all().update(last_used_at=ago(200))
    key_of(by_key, last_used_at=ago(3))
    GrantUse.objects.create(grant=privileged(by_right), last_used_at=ago(3))
    assert fires(ask("N1.4"), by_both)


def test_a_key_of_which_nothing_is_known_leaves_it_unknown(ask: Ask, core: System) -> None:
    made = machine(core)
    key_of(made, last_used_at=ago(200))
    assert fires(ask("N1.4"), made)
    key_of(made, last_used_at=None)
    assert ask("N1.4") == {}


def test_nothing_is_said_beyond_what_was_read(ask: Ask) -> None:
    """The last reading is 100 days old: what was used 120 days ago may have been used since."""
    old = inventory.system("OLD")
    reading = inventory.run(inventory.source(old), taken_at=ago(100))
    made = machine()
    inventory.account(old, made, first_run=reading, last_used_at=ago(120))
    assert ask("N1.4") == {}
    assert fires(ask("N1.4", days=15), made)


def test_what_is_switched_off_is_not_unused(ask: Ask, core: System) -> None:
    made = machine(core)
    Account.objects.filter(identity=made).update(last_used_at=ago(200), is_enabled=False)
    assert ask("N1.4") == {}


# --- N1.5 and N1.6 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "fired"), [("retired", True), ("active", False)])
def test_a_retired_application_has_no_machines(ask: Ask, status: str, fired: bool) -> None:
    made = machine(application=application(status=status))
    assert fires(ask("N1.5"), made) is fired


def case_with(made: Any, **line: Any) -> CaseLine:
    case = OffboardingCase.objects.create(
        code=f"OFF-{uuid7().hex[-8:]}",
        identity=inventory.identity(status="left"),
        reason="resigned",
        local_time="2026-01-01T10:00",
        zone="UTC",
        effective_at=ago(50),
        state=line.pop("case_state", "running"),
        started_by_id=uuid7(),
        created_at=ago(60),
        begun_at=line.pop("begun_at", ago(50)),
    )
    values = {"disposition": "hand_over", "state": "done", "settled_at": ago(40), "label": "svc"} | line
    return CaseLine.objects.create(
        case=case, kind="machine", subject_type="accounts.identity", subject_id=str(made.pk), **values
    )


@pytest.mark.parametrize(
    ("key", "line", "fired"),
    [
        ({"created_at": ago(500)}, {}, True),
        ({"created_at": ago(500), "rotated_at": ago(39)}, {}, False),
        ({"created_at": ago(39)}, {}, False),
        ({"created_at": None}, {}, False),
        ({"created_at": ago(500), "is_active": False}, {}, False),
        ({"created_at": ago(500)}, {"settled_at": ago(6)}, False),
        ({"created_at": ago(500)}, {"settled_at": ago(8)}, True),
        ({"created_at": ago(500)}, {"begun_at": None}, False),
        ({"created_at": ago(500)}, {"state": "open", "settled_at": None}, False),
        ({"created_at": ago(39)}, {"state": "open", "settled_at": None, "case_state": "closed"}, True),
    ],
)
def test_what_is_handed_over_is_rotated(
    ask: Ask, core: System, key: dict[str, Any], line: dict[str, Any], fired: bool
) -> None:
    made = machine(core)
    key_of(made, **key)
    case_with(made, **line)
    assert fires(ask("N1.6"), made) is fired


# --- N1.8: overdue ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "due", "fired"),
    [
        ("requested", 4, True),
        ("requested", 2, False),
        ("reported", 4, True),
        ("impossible", 4, True),
        ("reappeared", 4, True),
        ("decided", 4, False),
        ("withdrawn", 4, False),
    ],
)
def test_a_removal_is_carried_out_in_time(
    ask: Ask, core: System, state: str, due: float, fired: bool
) -> None:
    grant = privileged(machine(core))
    asked = Revocation.objects.create(
        system=core, grant=grant, state=state, decided_at=ago(9), due_at=ago(due), impossible_because="no way"
    )
    assert fires(ask("N1.8"), asked) is fired


@pytest.mark.parametrize(("late", "fired"), [(2, False), (3, False), (4, True)])
def test_a_review_is_done_in_time(ask: Ask, late: int, fired: bool) -> None:
    made = machine(review_by=moment.now().date() - timedelta(days=late))
    assert fires(ask("N1.8"), made) is fired
