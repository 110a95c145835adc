"""Files on their way in: received without their secrets, however they come.

By hand, pushed by a machine, taken from the inbox folder, or pulled from a system: all end in
`receiving.keep`, and none is part of the record before it was previewed and applied.
"""

from accounts.feeding.inbox import empty, take, waits
from accounts.feeding.pulling import pull, try_pull
from accounts.feeding.receiving import keep
from accounts.feeding.signing import Claim, SignatureRefused, is_expected, verify

__all__ = [
    "Claim",
    "SignatureRefused",
    "empty",
    "is_expected",
    "keep",
    "pull",
    "take",
    "try_pull",
    "verify",
    "waits",
]
