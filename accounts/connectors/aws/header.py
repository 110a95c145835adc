"""What account authorization details may prove, and what else a person should know about the file."""

from accounts.connectors.aws.details import Details
from accounts.connectors.records import Header


def header_of(
    found: Details,
    key: str,
    version: int,
    *,
    without_document: int,
    lost_groups: int,
    complete: str | None,
) -> Header:
    """`without_document`: attached policies whose text is missing; `complete`: the option of the source."""
    holders = found.holders()
    accounts = sorted({holder.account for holder in holders})
    doubts = _doubts(found, lost_groups, complete)
    notes = [*doubts]
    if len(accounts) > 1:
        notes.append(
            f"The file holds records of {len(accounts)} AWS accounts ({', '.join(accounts)}) and counts for "
            "all of them together."
        )
    covers = {"account", "grant", "inclusion", "entitlement"}
    if without_document:
        covers.discard("entitlement")
        notes.append(
            f"Attached policies whose documents are not in the file: {without_document}. What "
            "they allow is unknown."
        )
    if bounded := sum(holder.has_boundary for holder in holders):
        notes.append(
            f"Accounts with a permissions boundary, which may allow less than their policies say: {bounded}."
        )
    notes.append("The root user is not in this file; the credential report lists it.")
    return Header(
        format=key,
        version=version,
        system_reference=",".join(accounts) or None,
        is_full=not doubts,
        covers=frozenset(covers) if not found.is_bare else frozenset(),
        notes=tuple(notes),
    )


def _doubts(found: Details, lost_groups: int, complete: str | None) -> list[str]:
    """Why the file may not prove that something is gone; empty if it may."""
    doubts: list[str] = []
    if complete == "no":
        doubts.append("The source is set up as not complete.")
    if found.is_truncated:
        doubts.append(
            "The file is one page of several (IsTruncated), so what is missing in it does not count as gone."
        )
    elif found.pages > 1 and complete != "yes":
        doubts.append(
            f"The file holds {found.pages} pages, and nothing in them shows that none between them is "
            "missing. If all are there, set the option “complete” to yes."
        )
    if found.is_bare:
        doubts.append(
            "The file is a list of users, groups or roles alone: it names no policies and no memberships, so "
            "it says who may assume a role and not what for."
        )
    elif found.missing:
        doubts.append(f"The file lacks {', '.join(found.missing)}: it was taken with --filter or edited.")
    if complete != "yes" and not found.missing:
        empty = [what for what, there in (("user", found.users), ("role", found.roles)) if not there]
        if empty:
            doubts.append(
                f"The file has no {' and no '.join(empty)}: it may have been taken with --filter. If that is "
                "how the account is, set the option “complete” to yes."
            )
    if found.rejected:
        doubts.append(f"Items that could not be read: {len(found.rejected)}.")
    if lost_groups:
        doubts.append(f"Memberships in groups that are not in the file: {lost_groups}.")
    return doubts
