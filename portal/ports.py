"""Ports: how a lower room asks a higher one. This module imports nothing of ours.

A lower app declares a question, higher apps answer it, and the lower app asks without knowing who
answers. Answers run inside the caller's transaction. ARCHITECTURE.md lists every port.
"""

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from django.core.exceptions import ImproperlyConfigured

P = ParamSpec("P")
R = TypeVar("R")


class Port(Generic[P, R]):
    """One question with named answers; each key answers once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._answers: dict[str, Callable[P, R]] = {}

    def answered_by(self, key: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Register the decorated function as the answer called `key`; a second one is a mistake."""

        def register(answer: Callable[P, R]) -> Callable[P, R]:
            if key in self._answers:
                raise ImproperlyConfigured(f"the port “{self.name}” has two answers called “{key}”")
            self._answers[key] = answer
            return answer

        return register

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, R]:
        """Every answer by its key, in the order of the keys so that the result never depends on imports."""
        return {key: self._answers[key](*args, **kwargs) for key in sorted(self._answers)}

    @property
    def keys(self) -> list[str]:
        """Who answers, for ARCHITECTURE.md and its test."""
        return sorted(self._answers)
