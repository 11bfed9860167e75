"""Keeps a set of child processes running: starts them in order, restarts what dies, stops all in reverse order."""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from aoc_cli.local.process import Child, ChildDied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_WINDOW_S: Final = 60.0


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Supervisor:
    """Runs children until it is closed. `report` gets one line for each restart, `started` each process.

    A child that dies more than `patience` times within a minute will not get better by itself. `held`: names of
    children that are not started again for the moment. `waiting` is called for whom is waited, and for how many
    seconds already; `stopping` before a child is stopped.
    """

    report: Callable[[str], None]
    patience: int = 3
    held: set[str] = field(default_factory=set)
    started: Callable[[Child], None] = _ignore
    waiting: Callable[[str, float], None] = _ignore
    stopping: Callable[[Child], None] = _ignore
    _children: list[Child] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _restarts: dict[str, deque[float]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def start(self, children: Sequence[Child]) -> Iterator[Child]:
        """Start children together; yields each when it is ready. Raises `ChildDied` when one does not come up."""
        for child in children:
            self._begin(child)
            self._children.append(child)
            self._stack.callback(self._stop, child)
        for child in children:
            child.wait_ready(self.waiting)
            yield child

    def check(self) -> None:
        """Restart whatever has died. Raises `ChildDied` for one that keeps dying."""
        for child in self._children:
            if child.alive() or child.name in self.held:
                continue
            try:
                child.check()
            except ChildDied as death:
                self._restart(child, death)

    def _restart(self, child: Child, death: ChildDied) -> None:
        recent = self._restarts.setdefault(child.name, deque())
        now = time.monotonic()
        while recent and now - recent[0] > _WINDOW_S:
            recent.popleft()
        if len(recent) >= self.patience:
            raise ChildDied(f"{death}; it died {len(recent) + 1} times within a minute, giving up")
        recent.append(now)
        self.report(f"{death}; starting it again")
        self._begin(child)

    def _begin(self, child: Child) -> None:
        child.start()
        self.started(child)

    def _stop(self, child: Child) -> None:
        self.stopping(child)
        child.stop()

    def close(self) -> None:
        """Stop everything, last started first."""
        self._stack.close()
