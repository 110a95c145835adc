"""The story of Nordhaven Bank, act by act: on which day, at what hour, what happened."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from portal.demo import casts, leaving, machines, opening, readings, reviewing, watching
from portal.demo.calendar import Calendar

Perform = Callable[[Calendar], object]


@dataclass(frozen=True)
class Act:
    """One act; `words` are printed while it is played."""

    day: int
    clock: str
    words: str
    perform: Perform


def _people(day: int) -> Act:
    return Act(day, "11:00", "HR sends its people", partial(readings.read_people, day=day))


def _systems(day: int, *codes: str) -> Act:
    words = f"readings of {', '.join(codes) or 'all systems'}"
    return Act(day, "07:30", words, lambda calendar: readings.read_systems(calendar, day, *codes))


def _signed_off(day: int, clock: str, name: str) -> Act:
    return Act(day, clock, f"{name} signs off", partial(reviewing.finish_share, of=name))


TOLD = (
    Act(-175, "08:00", "the first administrator, systems and sources", opening.found),
    Act(-175, "10:00", "HR sends its people for the first time", partial(readings.read_people, day=-175)),
    Act(-175, "13:00", "people become portal users", opening.let_people_in),
    Act(-175, "14:00", "systems get owners", opening.name_people_of_systems),
    _systems(-170),
    Act(-169, "10:00", "42 machines get owners", machines.name_owners),
    Act(-169, "11:00", "rights get words", machines.describe_rights),
    Act(-169, "13:00", "owners say where secrets are kept", machines.tell_of_secrets),
    Act(-169, "14:00", "shared accounts get members", opening.name_members),
    Act(-168, "09:00", "machines that send readings get tokens", machines.let_in),
    Act(-160, "10:00", "the gateway's recorder is connected", opening.connect_recorder),
    Act(-150, "15:00", "John Smith leaves", leaving.plan_john),
    Act(-150, "17:05", "his hour has come", leaving.begin_due),
    Act(-149, "09:00", "his removals are reported done", leaving.report_johns_removals),
    _people(-149),
    _systems(-147, "DIR", "CORE"),
    Act(-145, "10:00", "his case is closed", leaving.close_john),
    _people(-125),
    Act(-125, "15:00", "an earlier name is sealed", leaving.seal_alex),
    _systems(-92),
    Act(-91, "09:00", "last quarter's review is launched", reviewing.launch_before),
    Act(-85, "09:00", "everybody decides", reviewing.decide_before),
    Act(-81, "09:00", "the recorder gets a new token", opening.issue_recorders_token),
    Act(-77, "15:00", "last quarter's review is closed", reviewing.close_before),
    Act(-76, "09:00", "removals are reported done", reviewing.carry_out_before),
    Act(-72, "07:30", "the file of CORE is cut off", lambda calendar: readings.read_cut_core(calendar, -72)),
    Act(-70, "10:00", "the auditor gets an evidence pack", reviewing.share_before),
    _systems(-64, "CORE"),
    Act(-61, "10:00", "late removals are reported done", reviewing.carry_out_late),
    _systems(-60, "JUMP", "AWS-PAY"),
    _people(-59),
    _systems(-45, "DIR"),
    _people(-45),
    Act(
        -20,
        "09:00",
        "Fjordpay's people stay in quarantine",
        lambda calendar: readings.receive_fjordpay(calendar, -20),
    ),
    Act(-29, "10:00", "a vendor's ticket showed a key", machines.tell_of_exposures),
    _people(-13),
    _systems(-12),
    Act(-8, "09:00", "this quarter's review is launched", reviewing.launch_now),
    Act(-7, "10:00", "the auditor may watch it", reviewing.share_now),
    _signed_off(-6, "10:00", reviewing.LATE),
    Act(-5, "10:00", "Petra's people are passed on", reviewing.pass_petras_people_on),
    Act(-5, "15:00", "Nils Aaberg leaves", leaving.plan_nils),
    Act(-5, "17:05", "his hour has come", leaving.begin_due),
    Act(-4, "09:00", "the sudo rules of core01 are read for the first time", machines.read_sudo_rules),
    Act(-4, "10:00", "Tomas decides on three lines", reviewing.decide_some),
    Act(-3, "09:00", "some of Nils's removals are reported done", leaving.report_nils_removals),
    _signed_off(-3, "14:00", "Henrik Dahl"),
    Act(-2, "08:00", "the owner of CORE begins", reviewing.begin_share),
    Act(-2, "09:00", "reviewers are reminded", reviewing.chase),
    Act(-2, "11:00", "a pack with recordings waits for its release", reviewing.ask_for_recordings),
    _systems(-1),
    _people(-1),
    Act(-1, "12:00", "what the night proved", leaving.follow_running),
    Act(-1, "12:30", "lines that no longer apply", reviewing.end_what_is_gone),
    _signed_off(-1, "14:00", "Katarina Holm"),
    Act(-1, "15:00", "the next review is drafted", reviewing.draft),
    Act(0, "23:57", "rules are asked, owners are proposed", machines.ask_rules),
    Act(0, "23:58", "Dana Kovac is to be dismissed", leaving.plan_dana),
    Act(0, "23:59", "the recorder gives a sign of life", watching.give_a_sign),
)


def acts() -> list[Act]:
    """Everything in the order in which it happened, sessions among it; recordings come an hour late."""
    sessions = [
        Act(
            script.day,
            f"{(int(script.head['time'][:2]) + 1) % 24:02}{script.head['time'][2:]}",
            f"a session of {script.head['account']} is recorded",
            partial(_deliver, script=script),
        )
        for script in casts.scripts()
    ]
    return sorted([*TOLD, *sessions], key=lambda act: (act.day, act.clock))


def _deliver(calendar: Calendar, script: casts.Script) -> None:
    watching.deliver(calendar, script)
