"""What is asked of an alerter about a route: send a test, show what would be said; and what is told once more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aoc_alerter.notifying.intake import Revision
from aoc_alerter.notifying.message import of_alert, of_test
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import NotFound, Permanent, Transient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_alerter.notifying.at_work import Tools
    from aoc_alerter.notifying.routes import Routes
    from aoc_alerter.notifying.selection import Choice, Groups
    from aoc_common.contracts.jobs import NotificationJob, NotifyJob
    from aoc_common.store.sink_answers import SinkAnswerStore

#: Whoever asks waits for some 25 s.
_PATIENCE_S: Final = 20.0


class Answers:
    """Answers jobs. A job that cannot be done is answered too: `{"error": words}`."""

    def __init__(
        self, routes: Routes, tools: Tools, groups: Callable[[], Awaitable[Groups]], answers: SinkAnswerStore
    ) -> None:
        self._routes = routes
        self._with = tools
        self._groups = groups
        self._answers = answers

    async def answer(self, job: NotificationJob) -> None:
        """Do a job and store its answer. Raises `Transient` when the store is away."""
        does = self._test if job.what == "test" else self._preview
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await does(job)
        except TimeoutError:
            answer = {"error": f"no answer within {_PATIENCE_S:g} s"}
        except Permanent as error:
            answer = {"error": str(error)}
        await self._answers.answer(job.ticket, answer)

    async def retry(self, job: NotifyJob) -> None:
        """Have an alert told once more. Raises `NotFound`, and `Transient`."""
        self._choice(job.route)
        if not await self._with.store.retry(job.route, job.tenant, UUID(job.alert), self._with.clock.now()):
            raise NotFound(f"of alert {job.alert} and route {job.route} nothing is known any more")

    async def _test(self, job: NotificationJob) -> dict[str, Any]:
        """Send a message by a destination that is made for it: nothing else waits for it."""
        route = self._choice(job.route).route
        message = of_test(route, self._with.gateway, job.ticket, self._with.clock.now())
        destination = await self._with.make(route)
        try:
            await destination.send(message)
        except (Permanent, Transient) as error:
            return {"accepted": False, "id": message.id, "words": str(error)}
        finally:
            await destination.close()
        return {"accepted": True, "id": message.id, "words": "accepted"}

    async def _preview(self, job: NotificationJob) -> dict[str, Any]:
        choice = self._choice(job.route)
        if job.alert is None:
            raise NotFound("which alert is to be shown, by its id")
        stored = (await self._with.alerts.of([UUID(job.alert)])).get(UUID(job.alert))
        if stored is None:
            raise NotFound(f"there is no alert {job.alert}")
        alert = stored.alert
        published = AlertMessage.of(alert)
        revision = Revision.of(published.subject, published.headers, published.body)
        message = of_alert(choice.route, alert, self._with.gateway, None)
        return {
            "alert": job.alert,
            "tenant": alert.tenant,
            "goes": choice.takes(revision.facts, await self._groups()),
            "title": message.title,
            "body": message.body,
        }

    def _choice(self, name: str) -> Choice:
        found = next((choice for choice in self._routes.choices if choice.route.name == name), None)
        if found is None:
            raise NotFound(f"there is no route {name}")
        return found
