"""`manage.py inspect` of recordings and logs of calls: facts that were derived by other means.

Durations and counts are those of awk over timing files and of the formats' own tools, the sizes, names and
moments were read off the files, and the commands of `terminal-commands` stand in its `expected.json`.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.inspection.asking import DATA, SAMPLES, inspect

MEMBERS = [
    "path", "format", "version", "duration_s", "cols", "rows", "output_events", "input_events", "sessions",
    "user", "run_as", "host", "started_at", "exit_status", "commands", "gaps", "problems",
]  # fmt: skip
OWN = DATA / "formats"
ADMIN = ["id", "cat /etc/os-release | head -2", "ls -la /etc/sudoers.d", "getent passwd root daemon", "exit"]
RAW = [
    "uname -s", r"printf '\377\376raw \303\050 bytes\n'", r"head -c 3000 /dev/zero | tr '\0' 'A'; echo",
    "ls /nonexist", "echo 'naïve – żółć 日本語'", "exit",
]  # fmt: skip
with_engine = pytest.mark.skipif(
    importlib.util.find_spec("pyghostty") is None, reason="the terminal engine is not installed"
)


def sample(*names: str) -> list[Path]:
    """Files of other people's recorders, where they stand beside the checkout."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    return [SAMPLES / name for name in names]


def said(one: dict[str, Any]) -> list[str]:
    return [command["text"] for command in one["commands"]]


# Paths; format, version, seconds, size, output, input; started, exit status.
RECORDINGS: list[tuple[str, tuple[object, ...], tuple[str | None, int | None]]] = [
    ("asciicast/full-v1.json", ("asciicast", 1, 10.500001, 100, 50, 3, 0), (None, None)),
    ("asciicast/minimal-v2.cast", ("asciicast", 2, 1.23, 100, 50, 1, 0), (None, None)),
    ("asciicast/full-v3.cast", ("asciicast", 3, 13.400002, 100, 50, 3, 1), ("2017-10-27T08:10:18Z", None)),
    ("asciicast/resizing.cast", ("asciicast", 3, 2.1, 80, 24, 3, 0), (None, 0)),
    ("asciicast/markers.cast", ("asciicast", 2, 2.0, 80, 24, 4, 0), (None, None)),
    ("asciicast/input.cast", ("asciicast", 2, 0.6, 80, 24, 2, 2), (None, None)),
    ("asciicast/demo.cast", ("asciicast", 2, 11.89348, 75, 18, 30, 9), ("2017-10-27T08:10:18Z", None)),
    (
        "asciicast/tool-asciinema24-admin.cast",
        ("asciicast", 2, 3.298703, 100, 30, 102, 86),
        ("2026-11-24T09:03:31Z", None),
    ),
    ("asciicast-odd/v2-no-events.cast", ("asciicast", 2, 0.0, 96, 26, 0, 0), (None, None)),
    ("asciicast-odd/v2-broken.cast", ("asciicast", 2, 8.456789, 96, 26, 2, 0), (None, None)),
    (
        "typescript/classic1.out typescript/classic1.tm",
        ("script", 1, 3.259622, 100, 30, 96, 0),
        ("2026-11-24T09:02:16Z", 0),
    ),
    (
        "typescript/adv3.tm typescript/adv3.in typescript/adv3.out",
        ("script", 2, 4.750516, 100, 30, 134, 120),
        ("2026-11-24T09:02:27Z", 0),
    ),
    (
        "sudo-iolog/sudo1913-session01",
        ("sudo_iolog", 2, 3.262559, 80, 24, 98, 86),
        ("2026-11-24T09:03:15.540325Z", None),
    ),
    (
        "sudo-iolog/filter-test1",
        ("sudo_iolog", 1, 11.499702, 80, 24, 9, 35),
        ("2022-02-18T02:23:40Z", None),
    ),
    (
        "sudo-iolog/log_json/id.json",
        ("sudo_iolog_info", 2, None, 80, 24, 0, 0),
        ("2020-10-26T21:13:57.016450Z", None),
    ),
    (
        "tlog/tool-tlog12-admin.json",
        ("tlog", 2, 3.236, 100, 30, 90, 0),
        ("2026-11-24T09:05:17.414000Z", None),
    ),
    ("tlog/journal-good.txt", ("tlog", 2, 27.868, 103, 27, 101, 0), ("2018-11-28T19:26:05.159098Z", None)),
    (
        "ttyrec/tool-admin.ttyrec",
        ("ttyrec", 1, 3.261357, None, None, 104, 0),
        ("2026-11-24T09:02:39.076906Z", None),
    ),
    (
        "powershell/powershell-jea-doc-excerpt.txt",
        ("powershell", 1, None, None, None, 13, 0),
        (None, None),
    ),
]


@pytest.mark.parametrize(("names", "facts", "moments"), RECORDINGS, ids=[row[0] for row in RECORDINGS])
def test_recordings_of_other_people(
    names: str, facts: tuple[object, ...], moments: tuple[str | None, int | None]
) -> None:
    paths = sample(*names.split())
    (one,) = inspect(*paths)
    has_paths = len(paths) > 1 or paths[0].is_dir()
    assert list(one) == [*MEMBERS[:1], *(["paths"] if has_paths else []), *MEMBERS[1:]]
    assert one["path"] == str(paths[0])
    found = ("format", "version", "duration_s", "cols", "rows", "output_events", "input_events")
    assert tuple(one[name] for name in found) == facts
    assert (one["started_at"], one["exit_status"]) == moments
    assert one["sessions"] is None


@pytest.mark.parametrize(
    ("name", "user", "run_as", "host"),
    [
        ("sudo-iolog/sudo1913-session01", "root", "root", "bastion1.example.test"),
        ("sudo-iolog/filter-test1", "millert", "root", None),
        ("sudo-iolog/log_legacy/vi.log", "alice", "root", None),
        ("tlog/journal-good.txt", "localuser1", None, "mytesthost.example.test"),
        (
            "powershell/powershell-jea-doc-excerpt.txt",
            "CONTOSO\\Alice",
            "WinRM Virtual Users\\WinRM VA_1_CONTOSO_Alice",
            "SERVER01",
        ),
        ("ttyrec/tool-admin.ttyrec", None, None, None),
    ],
)
def test_who_acted_as_whom_where(name: str, user: str, run_as: str | None, host: str | None) -> None:
    (one,) = inspect(*sample(name))
    assert (one["user"], one["run_as"], one["host"]) == (user, run_as, host)


@with_engine
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("asciicast/tool-asciinema24-admin.cast", ADMIN),
        ("sudo-iolog/sudo1913-session01", ADMIN),
        ("tlog/tool-tlog12-admin.json", ADMIN),
        ("ttyrec/tool-admin.ttyrec", ADMIN),
        ("typescript/classic1.tm typescript/classic1.out", ADMIN),
        ("typescript/adv3.out typescript/adv3.tm typescript/adv3.in", RAW),
    ],
)
def test_the_commands_of_other_people(names: str, expected: list[str]) -> None:
    (one,) = inspect(*sample(*names.split()))
    assert said(one) == expected
    moments = [command["at_s"] for command in one["commands"]]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] <= one["duration_s"]


@with_engine
@pytest.mark.parametrize(
    "name", ["bash-git-colour-marks.cast", "bash-nomarks-colour.cast", "zsh-rprompt.cast"]
)
def test_commands_from_output_alone(name: str, tmp_path: Path) -> None:
    expected, recording = sample("terminal-commands/expected.json", f"terminal-commands/{name}")
    facts = json.loads(expected.read_text())[name]
    header, *events = recording.read_text().splitlines(keepends=True)
    shown = (line for line in events if json.loads(line)[1] != "i")
    (tmp_path / name).write_text("".join([header, *shown]))
    (one,) = inspect(tmp_path / name)
    assert [(command["text"], command["aborted"]) for command in one["commands"]] == [
        (command["text"], command.get("aborted", False)) for command in facts["commands"]
    ]
    assert (one["output_events"], one["input_events"]) == (facts["output_events"], 0)
    assert {command["method"] for command in one["commands"]} <= {"paste", "prompt"}
    assert list(one["commands"][0]) == ["at_s", "text", "method", "confidence", "aborted"]
    assert not [secret for secret in facts["never_show"] if secret in json.dumps(one)]
    assert inspect(recording)[0]["duration_s"] == facts["duration_s"]


@with_engine
@pytest.mark.parametrize(
    ("names", "facts", "expected"),
    [
        ("session-v1.json", ("asciicast", 1, 3.75, 40, 12, 5, 0, None), []),
        ("session-v3.cast", ("asciicast", 3, 3.75, 40, 12, 5, 0, 0), []),
        (
            "script-streams.in script-streams.out script-streams.tm",
            ("script", 2, 0.947924, 80, 24, 7, 4, 3),
            ["echo a", "kill -USR1 $PPID 2>/dev/null; exit 3"],
        ),
        (
            "script-both.io script-both.tm",
            ("script", 2, 0.948708, 80, 24, 7, 4, 3),
            ["echo a", "kill -USR1 $PPID 2>/dev/null; exit 3"],
        ),
        ("tlog-input.json", ("tlog", 2, 3.387, None, None, 9, 6, None), ["echo a", "exit 3"]),
        (
            "terminals/bash-osc133-nomarks.cast.gz",
            ("asciicast", 2, 10.418173, 80, 24, 430, 419, None),
            ["ls", "exit"],
        ),
    ],
)
def test_recordings_of_our_own(names: str, facts: tuple[object, ...], expected: list[str]) -> None:
    (one,) = inspect(*(OWN / name for name in names.split()))
    found = (
        *("format", "version", "duration_s", "cols", "rows", "output_events", "input_events"),
        "exit_status",
    )
    assert tuple(one[name] for name in found) == facts
    listed = said(one)
    assert (listed[:1], listed[-1:]) == (expected[:1], expected[1:])


# Path; events, sessions, seconds; user, run as, host; commands.
LOGS: list[tuple[str, tuple[object, ...], tuple[str | None, ...], list[str]]] = [
    (
        "cloudtrail/218007301253_CloudTrail_us-east-1_20230710T1145Z_7xgocspSowgK0Gto.json",
        ("cloudtrail", 29, 3, 58.0, "2023-07-10T11:42:36Z"),
        ("benjamin", None, "123837392027"),
        [],
    ),
    (
        "cloudtrail/aws.execution.ssm-start-session.json",
        ("cloudtrail", 29, 1, 29.0, "2024-08-01T12:18:49Z"),
        ("christophe", None, "294599468799"),
        [],
    ),
    (
        "k8s-audit/exec_pod.json",
        ("k8s_audit", 1, 1, 0.0, "2018-10-26T13:38:34.902914Z"),
        ("minikube-user", None, "default/nginx-deployment-7998647bdf-phvq7"),
        ["bash"],
    ),
    (
        "teleport/teleport-doc-session-command.jsonl",
        ("teleport_events", 1, 1, 0.0, "2020-01-13T18:05:53.919000Z"),
        ("benarent", "root", "96f2bed2-ebd1-494a-945c-2fd57de41644"),
        ["ping google.com"],
    ),
    (
        "auditd/beats-useradd.log",
        ("auditd", 8, 1, 4.492, "2021-01-17T17:12:33.686000Z"),
        ("1000", "0", None),
        [],
    ),
    ("auditd/auparse-test.log", ("auditd", 7, 0, 107.389, "2007-01-28T21:58:13.977000Z"), (None,) * 3, []),
    # No year stands in them: nobody knows when that was.
    (
        "auth-log/beats-auth-test.log",
        ("auth_log", 10, 5, None, None),
        (None,) * 3,
        ["/bin/ls", "/bin/cat /var/log/secure", "/bin/ls"],
    ),
    (
        "auth-log/sudo1913-logfile.log",
        ("auth_log", 6, 1, None, None),
        ("root", "root", None),
        ["/srv/rec/.sh"] * 3,
    ),
    (
        "auth-log/sudo-eventlog/test1.json.in",
        ("auth_log", 1, 1, 0.0, "2023-03-01T02:44:33.093789Z"),
        ("millert", "root", "xerxes.sudo.ws"),
        ["/usr/bin/ci -u 'aliases\n'"],
    ),
]


@pytest.mark.parametrize(("name", "facts", "who", "commands"), LOGS, ids=[row[0] for row in LOGS])
def test_logs_of_calls(
    name: str, facts: tuple[object, ...], who: tuple[str | None, ...], commands: list[str]
) -> None:
    (one,) = inspect(*sample(name))
    assert list(one) == MEMBERS
    found = ("format", "output_events", "sessions", "duration_s", "started_at")
    assert tuple(one[member] for member in found) == facts
    assert (one["user"], one["run_as"], one["host"]) == who
    assert said(one) == commands
    assert (one["input_events"], one["cols"], one["exit_status"]) == (0, None, None)


def test_a_log_says_when_its_commands_were_called(tmp_path: Path) -> None:
    rows = [
        {"auditID": f"a{at}", "stage": "ResponseStarted", "verb": "create", "user": {"username": "dana"},
         "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "n", "name": f"p{at}"},
         "requestURI": f"/api/v1/namespaces/n/pods/p{at}/exec?command=ls&command=%2Ftmp%2F{at}",
         "requestReceivedTimestamp": f"2026-11-24T10:00:{at:02}.000000Z"}
        for at in (30, 5)
    ]  # fmt: skip
    path = tmp_path / "audit.log"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (one,) = inspect(path)
    assert (one["format"], one["sessions"], one["started_at"]) == ("k8s_audit", 2, "2026-11-24T10:00:05Z")
    assert one["commands"] == [
        {"at_s": at, "text": text, "method": "recorder", "confidence": "high", "aborted": False}
        for at, text in ((25.0, "ls /tmp/30"), (0.0, "ls /tmp/5"))
    ]
    assert (one["user"], one["host"]) == ("dana", None)  # two pods: no host of both
