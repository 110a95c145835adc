"""Which engine runs the tasks, as settings. Plain Python, so that settings.py can import it.

| engine   | for                          | needs                         |
|----------|------------------------------|-------------------------------|
| embedded | one machine                  | nothing beside the database   |
| rq       | one Redis or Valkey          | PORTAL_BROKER_URL (redis://…) |
| celery   | a fleet, RabbitMQ or Valkey  | PORTAL_BROKER_URL             |
"""

from typing import Any

BACKENDS = {
    "embedded": "portal.tasks.row_backend.RowBackend",
    "rq": "portal.tasks.rq_backend.RetryingRQBackend",
    "celery": "portal.tasks.celery_backend.CeleryBackend",
}

# Mail is quick, recordings and packs are not: a second worker may serve the quick queue alone.
QUEUES = ("default", "slow")

# What django-rq's worker reads: our job class carries retries and reasons into RQ.
RQ = {
    "JOB_CLASS": "portal.tasks.rq_backend.RetryingJob",
    "WORKER_CLASS": "portal.tasks.rq_backend.RetryingWorker",
}
# RQ's default is pickle: whoever could write to the broker could run code in a worker.
RQ_SERIALIZER = "rq.serializers.JSONSerializer"

LONGEST_JOB_SECONDS = 6 * 3600


class UnknownEngine(ValueError):
    """PORTAL_TASKS names no engine."""


def tasks_setting(engine: str) -> dict[str, dict[str, Any]]:
    """The value of Django's TASKS for `engine`."""
    if engine not in BACKENDS:
        raise UnknownEngine(f"PORTAL_TASKS is “{engine}”; choose one of: {', '.join(BACKENDS)}")
    return {"default": {"BACKEND": BACKENDS[engine], "QUEUES": list(QUEUES), "OPTIONS": {}}}


def apps_for(engine: str) -> list[str]:
    """What INSTALLED_APPS needs. The table of tasks is always there: changing the engine is no migration."""
    return ["django_tasks", "django_tasks_db", *(["django_rq"] if engine == "rq" else [])]


def needs_broker(engine: str) -> bool:
    """Whether PORTAL_BROKER_URL must be set."""
    return engine != "embedded"


def rq_queues(url: str) -> dict[str, dict[str, Any]]:
    """The value of RQ_QUEUES: every queue on the Redis or Valkey at `url`."""
    queue = {"URL": url, "DEFAULT_TIMEOUT": LONGEST_JOB_SECONDS, "SERIALIZER": RQ_SERIALIZER}
    return {name: dict(queue) for name in QUEUES}
