"""Step 2: identities of all kinds have pages; what belongs to nobody is listed and given to somebody."""

import re

from playwright.sync_api import expect

from tests.stories.browsing import Person
from tests.stories.theatre import MIKAEL, Theatre


def find_owners(theatre: Theatre) -> None:
    """Look around, link two orphan accounts, name owners of machine identities."""
    mikael = theatre[MIKAEL]
    mikael.go("/")
    mikael.look("home-of-iam-with-work")
    mikael.go("/identities/?q=kovac")
    mikael.page.locator("main").get_by_role("link", name="Dana Kovac").click()
    mikael.reads("Tomas Brandt", "DB_ROOT", "LEDGER_ADMIN", "7011", "Accounts", "Engagements")
    mikael.look("a-person")
    link_orphans(mikael)
    name_owners(mikael)
    mikael.go("/identities/?kind=machines")
    mikael.look("machine-identities")


def link_orphans(mikael: Person) -> None:
    """An administrator's second account on CORE, and an account on AWS that says nothing about its owner."""
    mikael.go("/identities/")
    mikael.press("Orphan accounts")
    mikael.page.get_by_label("System").select_option("CORE")
    expect(mikael.page.locator("main tbody tr")).to_have_count(3)
    mikael.look("orphan-accounts")
    _say_whose(mikael, "sh-admin", "Samir Haddad")
    mikael.go("/orphans/?system=CORE")
    expect(mikael.page.locator("main tbody tr")).to_have_count(2)

    for number, person in enumerate(("jon@nordhaven.test", "Dana Kovac")):
        mikael.go("/orphans/?system=AWS-PAY")
        _say_whose(mikael, _user_with_one_right(mikael), person)
        if not number:
            mikael.look("a-linked-account")


def name_owners(mikael: Person) -> None:
    """Those that came with CORE's file, and one that no file brought: the recorder."""
    mikael.go("/unowned/")
    mikael.look("machines-without-owner")
    _name(mikael, "svc-settlement", owner="Samir Haddad", deputy="Leon Weiss")
    mikael.look("a-machine-identity")
    _name(mikael, "bot-recon", owner="7011")
    _name(mikael, "bot-reports", owner="7011", deputy="Jon Smith")

    mikael.go("/identities/")
    mikael.press("New machine identity")
    mikael.page.get_by_label("Name", exact=True).fill("rec-jump")
    mikael.page.get_by_label("Kind").select_option("service")
    mikael.page.get_by_label("Purpose").fill("Records terminal sessions on CORE.")
    mikael.press("Save")
    mikael.is_told("rec-jump is in the inventory.")
    mikael.press("Name an owner")
    mikael.page.get_by_label("Owner").fill("farid@nordhaven.test")
    mikael.press("Name them")
    mikael.reads("Farid Azimi")


def _user_with_one_right(mikael: Person) -> str:
    """An account of a user, not of a role, that holds one privileged right."""
    one_right = mikael.page.locator("td.num", has_text=re.compile(r"^\s*1\b"))
    rows = mikael.page.locator("main tbody tr").filter(has=one_right)
    return rows.get_by_role("link", name=re.compile("user|deploy")).first.inner_text()


def _say_whose(mikael: Person, account: str, identity: str) -> None:
    row = mikael.page.locator("main tbody tr").filter(
        has=mikael.page.get_by_role("link", name=account, exact=True)
    )
    mikael.press(re.compile("Somebody else"), within=row)
    mikael.page.get_by_label("Whose account is this?").fill(identity)
    mikael.press("Link")
    mikael.reads("Belongs to")


def _name(mikael: Person, machine: str, *, owner: str, deputy: str = "") -> None:
    mikael.go(f"/identities/?kind=machines&q={machine}")
    mikael.page.locator("main").get_by_role("link", name=machine).click()
    mikael.press("Name an owner")
    mikael.page.get_by_label("Owner").fill(owner)
    mikael.page.get_by_label("Deputy").fill(deputy)
    mikael.press("Name them")
    mikael.is_told(f"{machine} has somebody who answers for it.")
