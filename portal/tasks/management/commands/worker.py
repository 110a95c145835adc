"""`manage.py worker`: run jobs with the engine that PORTAL_TASKS chose."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from portal.tasks import engines
from portal.tasks.worker import Worker


class Command(BaseCommand):
    """One command for every engine, so that whoever starts the portal need not know which one it is."""

    help = "Run jobs until stopped. SIGTERM lets the running job finish."
    requires_system_checks: list[str] = []  # pages and URLs are the web process\'s business

    def add_arguments(self, parser: CommandParser) -> None:
        """Queues, and for the embedded engine how it waits."""
        parser.add_argument(
            "--queues", default=",".join(engines.QUEUES), help="names, in order of preference"
        )
        parser.add_argument(
            "--pause", type=float, default=0.5, help="seconds between looks at an empty queue"
        )
        parser.add_argument("--batch", action="store_true", help="end when nothing is ready")
        parser.add_argument("--concurrency", type=int, default=1, help="processes of a Celery worker")

    def handle(self, *, queues: str, pause: float, batch: bool, concurrency: int, **_options: Any) -> None:
        """Check the queues and hand over to the engine."""
        names = [name.strip() for name in queues.split(",") if name.strip()]
        if unknown := set(names) - set(engines.QUEUES):
            raise CommandError(
                f"no such queue: {', '.join(sorted(unknown))}; there are: {', '.join(engines.QUEUES)}"
            )
        match settings.PORTAL_TASKS:
            case "rq":
                serializer = settings.RQ_QUEUES[names[0]]["SERIALIZER"]
                call_command("rqworker", *names, serializer=serializer, with_scheduler=True, burst=batch)
            case "celery":
                import_string("portal.tasks.celery.app").worker_main(
                    [
                        "worker",
                        f"--queues={','.join(names)}",
                        f"--concurrency={concurrency}",
                        "--without-gossip",
                    ]
                )
            case _:
                worker = Worker(names, pause=pause, batch=batch)
                worker.stop.on_signals()
                worker.run()
