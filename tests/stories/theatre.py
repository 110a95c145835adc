"""Everybody of the story, each in a browser of their own, before one running portal."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from django.db import connections
from playwright.sync_api import APIRequestContext, Browser, sync_playwright

from accounts.models import Identity
from portal.audit.services import PORTAL
from portal.testing.databases import CommittedDatabase
from portal.users import services
from portal.users.roles import Role
from tests.stories.browsing import Album, Person, opened
from tests.stories.files import Core
from tests.stories.stage import Stage

PASSWORD = "correct horse battery"
T = TypeVar("T")

ROLES: dict[str, list[Role]] = {
    "Ines Falk": [Role.COMPLIANCE],
    "Tomas Brandt": [],
    "Leon Weiss": [],
    "Dana Kovac": [],
    "Jon Smith": [],
    "Marguerite Duval": [],
    "Ruth Oyelaran": [Role.HR],
    "Aiko Mori": [Role.CARRIER],
    "Farid Azimi": [Role.SECURITY],
    "Elena Petrova": [Role.AUDITOR],
}
MIKAEL = "Mikael Strand"


def address_of(name: str) -> str:
    """Everybody's e-mail address."""
    return f"{name.split(maxsplit=1)[0].lower()}@nordhaven.test"


class Theatre:
    """The stage with the people before it; `theatre["Ines Falk"]` sits at her screen, signed in."""

    def __init__(
        self, stage: Stage, browser: Browser, api: APIRequestContext, album: Album, folder: Path
    ) -> None:
        self.stage, self.album, self.folder, self.api = stage, album, folder, api
        self.core = Core(folder)
        self._browser = browser
        self._people: dict[str, Person] = {}

    def __getitem__(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = self.seat(name)
        return self._people[name]

    def unseated(self, name: str, *, has_scripts: bool = True) -> Person:
        """A browser window for somebody who is yet to sign in."""
        return Person(self._browser, self.stage.address, self.album, name, has_scripts=has_scripts)

    def seat(self, name: str, *, has_scripts: bool = True) -> Person:
        """Open a browser window for somebody and let them sign in."""
        person = self.unseated(name, has_scripts=has_scripts)
        person.sign_in(address_of(name), PASSWORD)
        return person

    def open_every_door(self) -> None:
        """What the rail shows to each of them at the end of the story."""
        for person in self._people.values():
            person.doors_open()

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Where the story breaks off, everybody's screen is kept as it was."""
        try:
            yield
        except BaseException:
            self.album.folder.mkdir(parents=True, exist_ok=True)
            for name, person in self._people.items():
                person.page.screenshot(path=self.album.folder / f"broken-off-{name.split()[0].lower()}.png")
            raise


def apart(act: Callable[[], T]) -> T:
    """Ask the database in a thread of its own: Django refuses this one, which runs Playwright's loop."""

    def asked() -> T:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asked).result()


def make_administrator() -> None:
    """The first portal user, whom the installation makes; HR does not know of anybody yet."""
    services.create(email=address_of(MIKAEL), name=MIKAEL, roles=[Role.IAM], actor=PORTAL, password=PASSWORD)


def make_users() -> None:
    """The others, each linked to who they are by what HR says."""
    known = dict(Identity.objects.human().values_list("email", "pk"))
    for name, roles in ROLES.items():
        email = address_of(name)
        services.create(
            email=email,
            name=name,
            roles=roles,
            actor=PORTAL,
            identity_id=known.get(email),
            password=PASSWORD,
        )


@contextmanager
def opening(database: CommittedDatabase, folder: Path, executable: str) -> Iterator[Theatre]:
    """The portal runs and the browser is open; all of it ends afterwards."""
    make_administrator()
    stage = Stage(database, folder)
    try:
        stage.start()
        with sync_playwright() as playwright, opened(playwright, executable) as browser:
            api = playwright.request.new_context(base_url=stage.address)
            yield Theatre(stage, browser, api, Album(), folder)
            api.dispose()
    finally:
        stage.stop()
