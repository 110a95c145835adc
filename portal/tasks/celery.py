"""The Celery app: `celery -A portal.tasks.celery worker`, or `manage.py worker`.

The row in the database is the truth; a message only says “look at this row”. So it may be lost or
doubled: the row is claimed by state, and the clock sends again what waits too long.
"""

import os

from celery import Celery
from django.conf import settings
from kombu.entity import Queue

from portal.tasks.engines import LONGEST_JOB_SECONDS, QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

LATEST_SECONDS = LONGEST_JOB_SECONDS + 600


def _queue(name: str) -> Queue:
    arguments = {"x-consumer-timeout": LATEST_SECONDS * 1000}
    return Queue(name, queue_arguments=arguments)  # type: ignore[no-untyped-call]  # kombu has no types


app = Celery("portal", broker=settings.PORTAL_BROKER_URL, include=["portal.tasks.celery_backend"])
app.conf.update(
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    # Redis hands a message out again after this time; RabbitMQ closes the channel of a slower consumer.
    broker_transport_options={"visibility_timeout": LATEST_SECONDS},
    task_acks_late=True,
    task_default_queue=QUEUES[0],
    task_ignore_result=True,
    task_queues=[_queue(name) for name in QUEUES],
    task_reject_on_worker_lost=True,
    task_serializer="json",
    timezone="UTC",
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
)
