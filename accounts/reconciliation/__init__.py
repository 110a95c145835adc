"""Records of a reading set against what is known: compared for the preview, written when it is applied.

Everything is set-based SQL, so that a million rows take minutes and little memory. The preview reads the file
into tables of its own (`staging`), which wait for the apply (`waiting`); both walk the same road from there
(`inventory` or `people` → `links` → `proof` → `fuses`), and the preview turns back where the writing begins,
so nobody applies anything but what they were shown.
"""

from accounts.reconciliation.fuses import RELEASE, release_of
from accounts.reconciliation.previews import settled
from accounts.reconciliation.runs import apply, fail, preview
from accounts.reconciliation.waiting import drop, sweep

__all__ = ["RELEASE", "apply", "drop", "fail", "preview", "release_of", "settled", "sweep"]
