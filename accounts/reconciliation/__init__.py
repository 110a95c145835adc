"""Records of a reading set against what is known: compared for the preview, written when it is applied.

Everything is set-based SQL on temporary tables, so that a million rows take minutes and little memory. The
preview and the apply walk the same road (`staging` → `inventory` or `people` → `links` → `proof`); the
preview turns back where the writing begins, so nobody applies anything but what they were shown.
"""

from accounts.reconciliation.runs import apply, fail, preview

__all__ = ["apply", "fail", "preview"]
