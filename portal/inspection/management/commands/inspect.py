"""`manage.py inspect PATH…`: what the portal would read, before anything is imported or filed."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.inspection import inputs, looking, words
from portal.inspection.bundles import Bundles
from portal.inspection.registry import READERS
from portal.inspection.reports import Report

MEANINGS = """\
One object (or line) per file; a folder is every file in it. Files that belong together, such as the folder of
a sudo recording or a typescript with its timing, are one recording, also when they are given one by one. The
format is recognised, never asked for. Nothing is kept.

Inventory goes the way of an import: secrets are cut out first, and what is left is read.

  identities    distinct holders that the input tells of: people of HR; of accounts each identity named by
                its own name, else by employee number, else by e-mail, else the account itself. Shared and
                emergency accounts and roles are nobody's own and count for none.
  accounts, entitlements, grants, credentials
                records as the source asserts them. What follows from them (rights inherited through a
                group or role) is derived later and not counted.
  active_keys   credentials of the kinds access key, SSH key, token, secret and certificate that are not
                switched off and had not expired when the file was taken (else: now).
  inclusions    groups in groups, rights attached to groups and roles.
  rejected      rows that would not be part of the record, with line, reason and code: unreadable ones,
                and those that say the same thing again. At most 1,000 are listed.

Recordings of sessions and logs of calls are read to their end. What is not known is null.

  duration_s    from the start to the last event as recorded, with all idle time.
  output_events, input_events
                pieces of output and of input; of a log of calls its calls.
  sessions      of a log of calls: the sessions that its calls form.
  commands      lines that were typed: at_s, text, method, confidence, aborted (given up, not run). An aid,
                not proof.
  gaps          evidence that should be there and is not: at_s, reason.

  problems      what is wrong, in sentences. With format null nothing of the file was read.

Exit status: 0 everything was read (rows may be rejected), 1 something could not be read, 2 wrong usage.
"""


class Command(BaseCommand):
    """Needs no database, no settings, and no portal that runs."""

    help = "Say what the portal would read from files and folders, without a database."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The definitions belong to the help, with their line ends."""
        kwargs |= {"epilog": MEANINGS, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """What to look at, and for whom the answer is."""
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a file or a folder")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="one JSON array and nothing else"
        )

    def handle(self, *, paths: list[str], as_json: bool, **_options: Any) -> None:
        """Look at each input in turn."""
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know fewer letters
        with _spooled_apart():
            found = (looking.look(one, READERS) for one in inputs.given(paths, Bundles()))
            read, all_ = self._print_json(found) if as_json else self._print_table(list(found))
        if read < all_:
            raise CommandError(f"{all_ - read} of {all_} could not be read.", returncode=1)

    def _print_json(self, found: Iterator[Report]) -> tuple[int, int]:
        """One array, written object by object: a folder may hold very many files."""
        read = all_ = 0
        self.stdout.write("[", ending="")
        for report in found:
            self.stdout.write(",\n" if all_ else "\n", ending="")
            self.stdout.write(json.dumps(report.as_json(), indent=1), ending="")
            read, all_ = read + (report.format is not None), all_ + 1
        self.stdout.write("\n]")
        return read, all_

    def _print_table(self, reports: list[Report]) -> tuple[int, int]:
        for line in words.table(reports, looking.formats(READERS)):
            self.stdout.write(line)
        return sum(one.format is not None for one in reports), len(reports)


@contextmanager
def _spooled_apart() -> Iterator[None]:
    """Spill sealed into a folder of this user's own: the portal's data may belong to another one."""
    ours = settings.PORTAL_DATA
    with tempfile.TemporaryDirectory(prefix="portal-inspect-") as folder:
        settings.PORTAL_DATA = Path(folder)
        try:
            yield
        finally:
            settings.PORTAL_DATA = ours
