"""RSA keys for simulators of tests, made once in a process: most of what a simulator costs is its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.provider.keys import make_key

if TYPE_CHECKING:
    import pytest
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class KeyPool:
    """Gives keys; within one test never the same twice."""

    def __init__(self) -> None:
        self._made: list[RSAPrivateKey] = []
        self._next = 0

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Simulators of this test take their keys from here."""
        self._next = 0
        monkeypatch.setattr("aoc_sim.provider.keys.make_key", self.take)
        monkeypatch.setattr("aoc_sim.tokens.make_key", self.take)

    def take(self) -> RSAPrivateKey:
        """A key that this test has not had."""
        if self._next == len(self._made):
            self._made.append(make_key())
        self._next += 1
        return self._made[self._next - 1]


POOL = KeyPool()
