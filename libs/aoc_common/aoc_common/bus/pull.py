"""Batches of a durable pull consumer, asked for over the JetStream protocol (docs/adr/0008-pull.md says why).

Two kinds of request take turns: *the next one* with a time-out, and *what is there* (`no_wait`), which fills a batch
when there is a worker for it. A request is answered in full, or ended by a status message, before the next is sent, so
no message waits unseen in this process while its ack wait runs out.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from nats.errors import TimeoutError as NatsTimeoutError

from aoc_common.errors import Unreachable

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

_ANSWER_S: Final = 2.0
_FULL_PAUSE_S: Final = 0.1
#: Statuses that end a request (nats-server, consumer.go): nothing there; timed out.
_EMPTY: Final = frozenset({"404", "408"})
_TOO_MANY_PENDING: Final = "exceeded maxackpending"
_TOO_LARGE: Final = "message size exceeds maxbytes"


class Pull:
    """Pulls from one consumer. Not for concurrent use: a worker has its own.

    `waiting`: messages that were there for it when it was made, where that is known.
    """

    def __init__(self, connection: Client, stream: str, durable: str, waiting: int = 0) -> None:
        self.consumer = durable
        self.waiting = waiting
        self._connection = connection
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        self._requests = 0
        # Kept here and not in a call, so that a cancelled one loses none.
        self._taken: list[Msg] = []

    async def open(self) -> None:
        """Listen for answers."""
        self._subscription = await self._connection.subscribe(f"{self._inbox}.*")

    async def next(self, wait_s: float) -> list[Msg]:
        """The next message within `wait_s`, as a list of one; empty when there is none.

        Raises `Unreachable` when the consumer does not answer.
        """
        await self._request(1, {"expires": int(wait_s * 1e9)}, wait_s + _ANSWER_S)
        return self._take()

    async def available(self, size: int, max_bytes: int | None = None) -> list[Msg]:
        """Up to `size` messages that are there now, of at most about `max_bytes`; often empty. Raises `Unreachable`."""
        if size < 1 or (max_bytes is not None and max_bytes < 1):
            return []
        await self._request(
            size, {"no_wait": True} | ({} if max_bytes is None else {"max_bytes": max_bytes}), _ANSWER_S
        )
        return self._take()

    async def batch(self, size: int, wait_s: float) -> list[Msg]:
        """Up to `size` messages: the next one within `wait_s` and what is there with it. Raises `Unreachable`."""
        first = await self.next(wait_s)
        return first + await self.available(size - 1) if first else []

    def _take(self) -> list[Msg]:
        messages, self._taken = self._taken, []
        return messages

    async def close(self) -> None:
        """Stop listening; what arrived meanwhile, or while a call was cancelled, goes back at once."""
        subscription, self._subscription = self._subscription, None
        if subscription is None or self._connection.is_closed:
            return
        unhandled = self._taken + [message for message in _drained(subscription) if not self._is_status(message)]
        self._taken = []
        if self._connection.is_connected:
            await subscription.unsubscribe()
        for message in unhandled:
            await message.nak()

    async def _request(self, size: int, request: dict[str, Any], timeout_s: float) -> None:
        """Send one request and take its answer into `_taken`."""
        if self._subscription is None:
            raise Unreachable("the pull is closed")
        if not self._connection.is_connected:
            # Requests would pile up and all be answered after the reconnect, to nobody.
            raise Unreachable("not connected")
        self._requests += 1
        reply = f"{self._inbox}.{self._requests}"
        body = json.dumps({"batch": size, **request}).encode()
        await self._connection.publish(self._subject, body, reply=reply)
        expected = len(self._taken) + size
        deadline = asyncio.get_running_loop().time() + timeout_s
        while len(self._taken) < expected:
            remaining = deadline - asyncio.get_running_loop().time()
            try:
                message = await self._subscription.next_msg(max(remaining, 0.001))
            except NatsTimeoutError:
                # The request or its answer went with a lost connection.
                break
            if not self._is_status(message):
                self._taken.append(message)
            elif message.subject == reply and await _ends(message, has_some=bool(self._taken)):
                break

    def _is_status(self, message: Msg) -> bool:
        # A delivered message keeps its own subject; a status comes on the inbox.
        return message.subject.startswith(self._inbox)


async def _ends(status: Msg, *, has_some: bool) -> bool:
    """Whether a status ends its request. Raises `Unreachable` when the consumer is gone or out of order."""
    headers = status.headers or {}
    code, text = headers.get("Status", ""), headers.get("Description", "")
    if code == "100":  # a heartbeat
        return False
    if code == "409" and text.lower().startswith(_TOO_MANY_PENDING):
        # All that may be in work is in work, here or at other replicas.
        await asyncio.sleep(_FULL_PAUSE_S)
    elif code not in _EMPTY and not text.lower().startswith(_TOO_LARGE) and not has_some:
        raise Unreachable(f"consumer: {code} {text}".rstrip())
    return True


def _drained(subscription: Subscription) -> list[Msg]:
    messages: list[Msg] = []
    queue = subscription._pending_queue  # noqa: SLF001  # nats-py has no call that takes what is there
    while not queue.empty():
        messages.append(queue.get_nowait())
    return messages
