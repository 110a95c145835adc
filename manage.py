#!/usr/bin/env python
"""Commands of the portal: `python manage.py help` lists them.

Beside a portal that runs in this folder (`make run`), they work on its database.
"""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from portal.run import shared_environment

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] == ["inspect"]:
        # It looks at files, whatever is set up or runs here.
        os.environ["PORTAL_NO_DATABASE"] = "1"
        os.environ["DATABASE_URL"] = "postgresql:///?host=/nonexistent"
    elif "DATABASE_URL" not in os.environ:
        for name, value in shared_environment(Path(__file__).resolve().parent).items():
            os.environ.setdefault(name, value)
    execute_from_command_line(sys.argv)
