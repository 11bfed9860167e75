"""What `aoc up` shows: on a terminal one line that changes, elsewhere one line for each event, to be kept as a log."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from rich.live import Live
from rich.status import Status

from aoc_cli.amounts import amount
from aoc_cli.terminal import err, out, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.local.process import Child

#: Seconds of waiting after which a log says so, and says so again.
_SLOW_S: Final = 5.0
#: Seconds between lines of a log that tell how many events are stored, while the number changes.
_COUNTED_EVERY_S: Final = 60.0


class Output(Protocol):
    """What happens while a stack starts, runs and stops. Every text is plain."""

    def step(self, what: str) -> None:
        """This is being done now."""
        ...

    def waiting(self, name: str, seconds: float) -> None:
        """A child does not listen yet; it was started so long ago."""
        ...

    def ready(self, child: Child) -> None:
        """A child listens."""
        ...

    def note(self, text: str) -> None:
        """Something that a person should know."""
        ...

    def welcome(self, facts: Sequence[tuple[str, str]]) -> None:
        """The stack is up: names and values."""
        ...

    def count(self, stored: int, trouble: str) -> None:
        """So many events are stored now, as far as they can be counted."""
        ...

    def stopping(self, child: Child) -> None:
        """A child is being stopped."""
        ...

    def stopped(self, where: str) -> None:
        """Nothing runs any more. `where`: what has become of the data."""
        ...


def make_output() -> Output:
    """The output for where standard output goes."""
    return TerminalOutput() if out.is_terminal and err.is_terminal else LogOutput()


class TerminalOutput:
    """For a person who looks on."""

    def __init__(self) -> None:
        self._status = Status("", console=err)
        self._live = Live(console=err, refresh_per_second=4, transient=True)
        self._before: tuple[int, float] | None = None

    def step(self, what: str) -> None:
        """See `Output`."""
        self._status.update(plain(what))
        self._status.start()

    def waiting(self, name: str, seconds: float) -> None:
        """See `Output`."""
        self._status.update(f"waiting for {plain(name)} ({seconds:.0f} s)")

    def ready(self, child: Child) -> None:
        """See `Output`."""
        self._status.update(f"started {plain(child.name)}")

    def note(self, text: str) -> None:
        """See `Output`."""
        err.print(f"[yellow]![/] {plain(text)}")

    def welcome(self, facts: Sequence[tuple[str, str]]) -> None:
        """See `Output`."""
        self._status.stop()
        out.print("[bold green]AOC is up[/]  [dim](Ctrl-C stops everything)[/]")
        width = max(len(name) for name, _ in facts)
        for name, value in facts:
            out.print(f"  {name:<{width}} {plain(value)}")
        self._live.start()

    def count(self, stored: int, trouble: str) -> None:
        """See `Output`."""
        now = time.monotonic()
        before, then = self._before or (stored, now - 1)
        self._before = stored, now
        state = f"[red]{plain(trouble)}[/]" if trouble else f"{max(0.0, (stored - before) / (now - then)):,.0f}/s"
        self._live.update(f"{time.strftime('%H:%M:%S')}  [bold]{stored:,}[/] events stored  {state}")

    def stopping(self, child: Child) -> None:
        """See `Output`."""
        self._live.stop()
        self._status.start()
        self._status.update(f"stopping {plain(child.name)}")

    def stopped(self, where: str) -> None:
        """See `Output`."""
        self._live.stop()
        self._status.stop()
        err.print(f"[dim]stopped; {plain(where)}[/]")


class LogOutput:
    """For a file, a journal or a pipe: one event a line, each with its time (UTC), and nothing that repeats itself."""

    def __init__(self) -> None:
        self._announced_s = 0.0
        self._counted = (0, float("-inf"))
        self._trouble = ""

    def step(self, what: str) -> None:
        """See `Output`."""
        self._line(what)

    def waiting(self, name: str, seconds: float) -> None:
        """See `Output`."""
        if seconds < self._announced_s:
            self._announced_s = 0.0  # of another child
        if seconds >= self._announced_s + _SLOW_S:
            self._announced_s = seconds
            self._line(f"waiting for {name}: it does not listen after {seconds:.0f} s")

    def ready(self, child: Child) -> None:
        """See `Output`."""
        self._announced_s = 0.0
        self._line(f"started {child.name} (process {child.pid})")

    def note(self, text: str) -> None:
        """See `Output`."""
        self._line(f"! {text}")

    def welcome(self, facts: Sequence[tuple[str, str]]) -> None:
        """See `Output`."""
        self._line("AOC is up")
        for name, value in facts:
            self._line(f"{name}: {value}")

    def count(self, stored: int, trouble: str) -> None:
        """See `Output`."""
        if trouble != self._trouble:
            self._line(f"! events cannot be counted: {trouble}" if trouble else "events can be counted again")
            self._trouble = trouble
        before, then = self._counted
        now = time.monotonic()
        if stored != before and now - then >= _COUNTED_EVERY_S:
            self._counted = stored, now
            self._line(f"{amount(stored, 'event')} stored ({stored - before:+,})")

    def stopping(self, child: Child) -> None:
        """See `Output`."""
        self._line(f"stopping {child.name} (process {child.pid})")

    def stopped(self, where: str) -> None:
        """See `Output`."""
        self._line(f"stopped; {where}")

    def _line(self, text: str) -> None:
        # What a child wrote last may have several lines, and an event has one.
        out.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {plain(' '.join(text.splitlines()))}")
