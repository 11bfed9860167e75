"""A mutation of the product: the module, the replaced text, and the fault that it causes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old` is in the module's source exactly once. `what`: the fault, as a sentence."""

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
