"""A mutation of the product: in which module, what text becomes what, and what that makes of the truth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old` stands in the module's source once. `what`: what is wrong then, for people."""

    name: str
    what: str
    module: str
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The source with the mutation. Raises ValueError when `old` is not there exactly once."""
        if (count := source.count(self.old)) != 1:
            raise ValueError(f"{self.name}: {self.module} has {count} times, not once: {self.old}")
        return source.replace(self.old, self.new)
