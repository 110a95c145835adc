"""Settings for each engine."""

import pytest

from portal.tasks import engines


@pytest.mark.parametrize("engine", ["embedded", "rq", "celery"])
def test_each_engine_serves_every_queue(engine: str) -> None:
    setting = engines.tasks_setting(engine)["default"]
    assert setting["QUEUES"] == list(engines.QUEUES)
    assert "django_tasks_db" in engines.apps_for(engine), "changing the engine is no migration"
    assert ("django_rq" in engines.apps_for(engine)) == (engine == "rq")
    assert engines.needs_broker(engine) == (engine != "embedded")


def test_another_word_is_refused_with_the_ones_that_are_known() -> None:
    with pytest.raises(engines.UnknownEngine, match="is “redis”; choose one of: embedded, rq, celery"):
        engines.tasks_setting("redis")


def test_rq_never_reads_pickles() -> None:
    queues = engines.rq_queues("redis://broker/0")
    assert {queue["SERIALIZER"] for queue in queues.values()} == {"rq.serializers.JSONSerializer"}
    assert {queue["URL"] for queue in queues.values()} == {"redis://broker/0"}
