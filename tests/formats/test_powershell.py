"""Transcripts of PowerShell: one of the documentation, others put together as Start-Transcript writes."""

from collections.abc import Callable
from io import BytesIO

import pytest

from sessions_app.formats import read, sniff
from tests.formats.conftest import Read

ReadAll = Callable[..., Read]
Load = Callable[[str], bytes]

STARS = "*" * 22
START = f"""{STARS}
Windows PowerShell transcript start
Start time: 20261124090000
Username: CONTOSO\\Alice
RunAs User: CONTOSO\\Alice
Configuration Name: 
Machine: SERVER01 (Microsoft Windows NT 10.0.20348.0)
Host Application: C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe
Process ID: 4242
PSVersion: 5.1.20348.1
PSEdition: Desktop
{STARS}
Transcript started, output file is C:\\t.txt
"""  # noqa: W291  # as PowerShell leaves it
END = f"""{STARS}
Windows PowerShell transcript end
End time: 20261124091000
{STARS}
"""


def commands(found: Read) -> list[tuple[float, str]]:
    return [(event.at, event.data) for event in found.events if event.code == "c"]


def test_the_sample_of_over_the_shoulder_lines(sample: Load, read_all: ReadAll) -> None:
    data = sample("powershell/powershell-jea-doc-excerpt.txt")
    found = read_all(data)
    assert sniff(data) == "powershell"
    assert (found.header.user, found.header.host) == ("CONTOSO\\Alice", "SERVER01")
    assert found.header.run_as == "WinRM Virtual Users\\WinRM VA_1_CONTOSO_Alice"
    assert found.header.started_at is None
    assert found.header.facts["started"] == "2016-07-10 14:47:36"
    assert commands(found) == [(0.0, 'Get-Service -Name "Dns"')]
    assert found.notices == [(1, "no_timing"), (13, "truncated")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_whole_transcript_in_each_encoding(encoding: str, end: str, read_all: ReadAll) -> None:
    text = (
        START
        + "PS C:\\>Get-Date\n\n24 November 2026 grün\n\nPS C:\\Users\\a b> if ($true) {\n>> 'x'\n>> }\nx\n"
        + END
    )
    text = text.replace("\n", end)
    big = encoding == "utf-16-be-sig"
    data = b"\xfe\xff" + text.encode("utf-16-be") if big else text.encode(encoding)
    found = read_all(data)
    assert sniff(data) == "powershell"
    assert [text for _, text in commands(found)] == ["Get-Date", "if ($true) {\n'x'\n}"]
    assert (found.header.user, found.header.run_as, found.header.facts["ps_version"]) == (
        "CONTOSO\\Alice",
        None,
        "5.1.20348.1",
    )
    assert found.header.command is not None
    assert found.summary.duration == 600.0
    assert found.notices == [(1, "no_timing")]
    assert any("grün" in event.data for event in found.events)


def test_times_of_commands_and_output_that_looks_like_a_prompt(read_all: ReadAll) -> None:
    invoked = f"{STARS}\nCommand start time: 202611240905%02d\n{STARS}\nPS C:\\> %s\n"
    text = START + invoked % (10, "Get-Item x") + "PS C:\\> Remove-Item y\n" + invoked % (30, "exit") + END
    found = read_all(text.encode())
    assert commands(found) == [(310.0, "Get-Item x"), (330.0, "exit")]
    assert found.notices == []


def test_prompts_of_other_hosts(read_all: ReadAll) -> None:
    text = (
        f"{STARS}\nPowerShell transcript start\nStart time: 20261124090000\n{STARS}\n"
        "PS /home/alice> ls -l\nPS>whoami\n[SERVER01]: PS C:\\> hostname\nPSObject> no prompt\nPS C:\\>\n"
        + END
    )
    found = read_all(text.encode())
    assert [text for _, text in commands(found)] == ["ls -l", "whoami", "hostname"]


def test_a_pipeline_over_the_shoulder(read_all: ReadAll) -> None:
    lines = [
        'PS>CommandInvocation(Get-Process): "Get-Process"',
        '>> CommandInvocation(Where-Object): "Where-Object"',
        '>> ParameterBinding(Where-Object): name="FilterScript"; value="$_.CPU -gt 5"',
        '>> CommandInvocation(Out-Default): "Out-Default"',
        '>> ParameterBinding(Out-Default): name="InputObject"; value="System.Diagnostics.Process"',
        'PS>CommandInvocation(Out-Default): "Out-Default"',
    ]
    found = read_all((START + "\n".join(lines) + "\n" + END).encode())
    assert commands(found) == [(0.0, 'Get-Process | Where-Object -FilterScript "$_.CPU -gt 5"')]


def test_names_of_values_as_old_versions_align_them(read_all: ReadAll) -> None:
    text = START.replace("Username: ", "Username  : ").replace("Machine: ", "Machine\t  : ")
    found = read_all((text + END).encode())
    assert (found.header.user, found.header.host) == ("CONTOSO\\Alice", "SERVER01")


def test_a_german_transcript(read_all: ReadAll) -> None:
    text = (
        f"{STARS}\nStart der Windows PowerShell-Aufzeichnung\nStartzeit: 20261124090000\n"
        f"Benutzername: FIRMA\\anna\nRunAs-Benutzer: FIRMA\\adm-anna\nComputer: SRV (NT)\n{STARS}\n"
        "PS C:\\>hostname\n"
    )
    found = read_all(text.encode())
    assert (found.header.user, found.header.run_as, found.header.host) == (
        "FIRMA\\anna",
        "FIRMA\\adm-anna",
        "SRV",
    )
    assert commands(found) == [(0.0, "hostname")]


def test_damage(read_all: ReadAll) -> None:
    found = read_all((START + "PS C:\\>Get-D").encode())
    assert (commands(found), found.summary.is_truncated) == ([(0.0, "Get-D")], True)
    found = read_all((START + "PS C:\\>a\n").encode() + b"\xff\xfe\x00\n" + END.encode())
    assert found.notices == [(1, "no_timing"), (1, "wrong_encoding")]
    absurd = (START + END).replace("20261124090000", "99999999999999").encode()
    assert "started" not in read_all(absurd).header.facts
    appended = read_all((START + END + START + "PS C:\\>b\n" + END).encode())
    assert ("appended" in dict.fromkeys(code for _, code in appended.notices), commands(appended)) == (
        True,
        [(600.0, "b")],
    )


def test_controls_do_not_reach_the_header() -> None:
    data = START.replace("Alice", "Al\x1b[2Jice\x00").encode()
    assert "\x1b" not in str(read(BytesIO(data)).header)
