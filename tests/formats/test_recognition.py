"""Every sample is recognised as what it is, and by no other format, whatever it is called."""

from collections.abc import Callable

import pytest

from sessions_app.formats.registry import FORMATS, sniff

Load = Callable[[str], bytes]

SAMPLES = {
    "typescript/classic1.out": "typescript",
    "typescript/adv3.out": "typescript",
    "typescript/adv3.in": "typescript",
    "ttyrec/tool-admin.ttyrec": "ttyrec",
    "tlog/journal-good.txt": "tlog",
    "tlog/tool-tlog12-admin.json": "tlog",
    "powershell/powershell-jea-doc-excerpt.txt": "powershell",
    "auditd/auparse-test.log": "auditd",
    "auditd/beats-useradd.log": "auditd",
    "auth-log/beats-auth-test.log": "auth_log",
    "auth-log/sudo1913-logfile.log": "auth_log",
    "auth-log/sudo-eventlog/test1.json.in": "auth_log",
    "auth-log/sudo-eventlog/test1.sudo.out.ok": "auth_log",
}


@pytest.mark.parametrize(("name", "key"), SAMPLES.items())
def test_one_format_alone_claims_a_sample(name: str, key: str, sample: Load) -> None:
    data = sample(name)
    for called in ("", name, "rec.cast", "x.log", "session.json"):
        assert [found.key for found in FORMATS if found.recognises(data[:65536], called)] == [key]
        assert sniff(data, called) == key


@pytest.mark.parametrize(
    "name",
    [
        "aws-iam/cloudmapper-credential-report.json",
        "hr-csv/midpoint-hr.csv",
        "hr-csv/simulation-hr.csv",
        "scim/rfc7643-8.4-group.json",
    ],
)
def test_what_is_no_recording_is_claimed_by_none(name: str, sample: Load) -> None:
    assert sniff(sample(name), "session.log") is None
