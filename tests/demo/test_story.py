"""The demonstration is built once, and everything that practice calls awkward is in it."""

from io import StringIO

from django.core.management import call_command

from accounts.models import Grant
from portal.audit.models import Event
from portal.demo import sign_ins
from portal.testing.databases import CommittedDatabase
from portal.users.models import User
from tests.demo import story_of_findings, story_of_people, story_of_reviews
from tests.demo.saying import CHECKS


def test_the_story_is_whole_and_told_once(committed_db: CommittedDatabase, as_demo: None) -> None:
    call_command("demo", if_empty=True, stdout=StringIO())
    assert {function.__module__ for function in CHECKS} == {
        story_of_findings.__name__,
        story_of_people.__name__,
        story_of_reviews.__name__,
    }
    missing = [function.__name__ for function in CHECKS if not function()]
    assert missing == []
    before = Event.objects.count(), User.objects.count(), Grant.objects.count()
    for again in ({"if_empty": True}, {}):
        out = StringIO()
        call_command("demo", **again, stdout=out)
        assert "is whole" in out.getvalue()
    assert before == (Event.objects.count(), User.objects.count(), Grant.objects.count())
    out = StringIO()
    call_command("demo", sign_ins=True, stdout=out)
    assert all(persona.address in out.getvalue() for persona in sign_ins.printed())
