"""A clock that goes by a server's time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from aoc_common.clock import ServerClock, SteadyClock, StoredClock
from manual_clock import ManualClock

HOURS = timedelta(hours=6)


class Server:
    """A server, and a machine whose clock is wrong by so much. `takes_s`: each way."""

    def __init__(self, wrong: timedelta, takes_s: float = 0) -> None:
        self.machine, self.takes_s, self.silent = ManualClock(), takes_s, False
        self._ahead = -wrong
        self.machine.jump(wrong)

    def time(self) -> datetime:
        return self.machine.now() + self._ahead

    def set_machine(self, span: timedelta) -> None:
        self.machine.jump(span)
        self._ahead -= span

    def set_server(self, span: timedelta) -> None:
        self._ahead += span

    async def read(self) -> datetime | None:
        self.machine.advance(self.takes_s)
        at = self.time()
        self.machine.advance(self.takes_s)
        return None if self.silent else at


@pytest.mark.parametrize("wrong", [HOURS, -HOURS])
async def test_once_it_was_looked_at_it_is_no_matter_how_the_machines_clock_is_set(wrong) -> None:
    server = Server(wrong)
    clock = ServerClock(server.machine)
    before = clock.now()
    ahead = await clock.look(server.read)
    seen = [clock.now() == server.time()]
    server.machine.advance(100)
    seen.append(clock.now() == server.time())
    server.set_machine(-wrong)
    seen.append(clock.now() == server.time())
    right = await clock.look(server.read)

    assert before == server.time() - timedelta(seconds=100) + wrong, "nothing else is known"
    assert seen == [True] * 3
    assert (ahead, right) == (wrong.total_seconds(), 0)


async def test_an_answer_is_as_old_as_half_its_way_and_one_that_took_long_says_nothing() -> None:
    server = Server(HOURS, takes_s=1)
    clock = ServerClock(server.machine)
    await clock.look(server.read)
    quick = clock.now() - server.time()
    server.set_server(HOURS)
    server.takes_s = 3
    told = await clock.look(server.read)

    assert quick == timedelta()
    assert (told, clock.now()) == (None, server.time() - HOURS)


async def test_a_server_that_does_not_say_its_time_leaves_the_machines() -> None:
    server = Server(HOURS)
    server.silent = True
    clock = ServerClock(server.machine)

    assert await clock.look(server.read) is None
    assert clock.now() == server.machine.now()


async def test_what_answers_differ_by_does_not_move_the_time_back_and_forth() -> None:
    server = Server(HOURS)
    clock = ServerClock(server.machine)
    await clock.look(server.read)
    began = clock.now()
    for late in (0.2, -0.1, 0.1, -0.2):
        server.set_server(timedelta(seconds=late))
        await clock.look(server.read)
        server.set_server(timedelta(seconds=-late))

    assert clock.now() == began


async def test_what_was_compared_is_believed_at_once_and_a_step_of_the_server_only_when_it_lasts() -> None:
    server = Server(HOURS)
    compared = ServerClock(server.machine)
    clock = SteadyClock(compared)
    await compared.look(server.read)
    clock.believe()
    seen = [clock.now() - server.time()]
    server.set_server(HOURS)
    await compared.look(server.read)
    seen.append(clock.now() - server.time())
    server.machine.advance(31)
    seen.append(clock.now() - server.time())

    assert seen == [timedelta(), -HOURS, timedelta()]


async def test_times_of_the_store_are_whole_milliseconds_of_the_clock_that_they_are_of() -> None:
    machine = ManualClock()
    clock = StoredClock(machine)
    began = machine.now()
    await clock.sleep(1.234567)

    assert clock.now() - began == timedelta(seconds=1, milliseconds=234)
    assert clock.monotonic() == machine.monotonic() == 1.234567
