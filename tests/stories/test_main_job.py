"""The main job, played in a browser by the people whose job it is, from the first file to the last check.

Recordings come in before the review, so that they stand beside its lines; HR plans before the removals
are proven, so that the hour comes meanwhile.
"""

from tests.stories import (
    deciding,
    feeding,
    leaving,
    owning,
    proving,
    recording,
    removing,
    reviewing,
    secrecy,
)
from tests.stories.theatre import Theatre


def test_the_main_job(theatre: Theatre) -> None:
    with theatre.playing():
        feeding.import_everything(theatre)
        owning.find_owners(theatre)
        sessions = recording.record_sessions(theatre)
        campaign = reviewing.launch_campaign(theatre)
        until = deciding.decide(theatre, sessions)
        case = leaving.plan(theatre)
        removing.prove_gone(theatre, until)
        proving.export_packs(theatre, campaign, sessions)
        leaving.see_through(theatre, case, until)
        proving.browse_trail(theatre)
        theatre.open_every_door()
        secrecy.leaves_no_secret(theatre)
    assert not theatre.album.faults, "\n".join(theatre.album.faults)
    assert not (complaints := theatre.stage.complaints()), "\n".join(complaints)
