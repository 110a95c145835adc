"""Small drawings beside words: the sign of a state, the face of a machine identity.

They are drawn inline because they take their colour from the text beside them, in both themes and on paper.
"""

from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_SIGNS: Final[dict[str, str]] = {
    "yes": '<path d="M2.2 6.4 4.8 9 9.8 3.4"/>',
    "no": '<path d="m3 3 6 6M9 3 3 9"/>',
    "alert": '<circle cx="6" cy="6" r="4.2" fill="currentColor" stroke="none"/>',
    "warn": '<path d="M6 1.8 11 10.2H1z" fill="currentColor" stroke-width="1"/>',
    "wait": '<circle cx="6" cy="6" r="4.4"/><path d="M6 3.6V6l1.7 1.2"/>',
    "go": '<path d="M2 6h7.4M6.4 3l3 3-3 3"/>',
    "back": '<path d="M10 6H2.6M5.6 3l-3 3 3 3"/>',
    "open": '<circle cx="6" cy="6" r="4"/>',
    "part": '<circle cx="6" cy="6" r="4"/><path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" stroke="none"/>',
    "unknown": '<path d="M3.9 4.3a2.1 2.1 0 1 1 3 1.9c-.7.4-.9.8-.9 1.4"/>'
    '<circle cx="6" cy="9.9" r=".9" fill="currentColor" stroke="none"/>',
    "none": '<path d="M2.6 6h6.8"/>',
    "info": '<path d="M6 5.4v4.2"/><circle cx="6" cy="2.7" r="1" fill="currentColor" stroke="none"/>',
}

_MACHINES: Final[dict[str, str]] = {
    "service": '<circle cx="8" cy="8" r="2.3"/>'
    '<path d="M8 1.8v2.1M8 12.1v2.1M1.8 8h2.1M12.1 8h2.1M3.6 3.6l1.5 1.5M10.9 10.9l1.5 1.5'
    'M12.4 3.6l-1.5 1.5M5.1 10.9l-1.5 1.5"/>',
    "workload": '<path d="M8 1.8 13.6 5v6L8 14.2 2.4 11V5zM2.6 5.1 8 8.2l5.4-3.1M8 8.2v5.8"/>',
    "bot": '<rect x="2.6" y="5.2" width="10.8" height="8" rx="2.2"/>'
    '<path d="M8 5.2V2.4M5.9 8.4v1.6M10.1 8.4v1.6"/>',
    "agent": '<path d="M8 1.8c.5 3.6 2.1 5.4 6.2 6.2-4.1.8-5.7 2.6-6.2 6.2'
    '-.5-3.6-2.1-5.4-6.2-6.2 4.1-.8 5.7-2.6 6.2-6.2z"/>',
    "integration": '<path d="M6.2 2v3M9.8 2v3M4.2 5h7.6v2.8a3.8 3.8 0 0 1-7.6 0zM8 11.6V14"/>',
}


def sign(name: str) -> SafeString:
    """The drawing of one sign, hidden from screen readers: the word beside it says the same."""
    return format_html(
        '<svg aria-hidden="true" viewBox="0 0 12 12" fill="none" stroke="currentColor" stroke-width="1.7"'
        ' stroke-linecap="round" stroke-linejoin="round">{}</svg>',
        mark_safe(_SIGNS[name]),  # noqa: S308 - a constant of this module
    )


def machine(kind: str) -> SafeString:
    """The drawing for one kind of machine identity; an unheard-of kind gets the service's."""
    return format_html(
        '<svg aria-hidden="true" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.3"'
        ' stroke-linecap="round" stroke-linejoin="round">{}</svg>',
        mark_safe(_MACHINES.get(kind, _MACHINES["service"])),  # noqa: S308 - a constant of this module
    )
