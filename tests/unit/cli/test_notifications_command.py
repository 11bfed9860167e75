"""`aoc notifications` over a gateway that answers."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from aoc_cli import notifications
from aoc_cli.access import credentials
from aoc_common.contracts.notifications import RouteState
from aoc_common.gateway.notifications import (
    NotificationPreview,
    NotificationRoute,
    NotificationRoutes,
    NotificationTest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from typer.testing import Result


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the gateway answers."""
    now = datetime.now(UTC)
    states = [
        RouteState("on-call", {"kind": "apprise"}, "running", now, waiting=2, sent=1_200),
        RouteState("mail", {"kind": "apprise"}, "running", now - timedelta(hours=3)),
    ]
    given = SimpleNamespace(
        routes=NotificationRoutes(items=[NotificationRoute.of(state) for state in states]),
        test=NotificationTest(accepted=False, id="on-call-test-1", words="apprise: 401 no such \x1b[2Jkey"),
        preview=NotificationPreview(alert="a", tenant="contoso", goes=False, title="[high] x", body="one\ntwo"),
    )

    class Routes:
        async def list(self) -> NotificationRoutes:
            return given.routes

        async def test(self, _: str) -> NotificationTest:
            return given.test

        async def preview(self, _: str, __: str) -> NotificationPreview:
            return given.preview

    @asynccontextmanager
    async def client() -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(notifications=Routes())

    monkeypatch.setattr(credentials, "find", lambda _: SimpleNamespace(client=client))
    return given


def run(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(notifications.group, words)


@pytest.mark.usefixtures("answers")
def test_routes_are_listed_and_one_that_no_alerter_serves_is_not_said_to_be_well() -> None:
    listed = {line.split()[0]: line for line in run("list").stdout.splitlines() if line.strip()}

    assert "running" in listed["on-call"]
    assert "1,200" in listed["on-call"]
    assert "unserved" in listed["mail"]
    assert "running" not in listed["mail"]
    assert len(json.loads(run("list", "--json").stdout)["items"]) == 2


def test_a_test_says_what_the_destination_answered_and_its_status_whether_it_took_it(answers: SimpleNamespace) -> None:
    refused = run("test", "on-call")
    answers.test = answers.test.model_copy(update={"accepted": True})

    assert (refused.exit_code, run("test", "on-call").exit_code) == (1, 0)
    assert "401 no such" in refused.stdout
    assert "\x1b" not in refused.stdout


def test_a_preview_shows_the_message_and_its_status_whether_it_goes(answers: SimpleNamespace) -> None:
    shown = run("preview", "on-call", "a")
    answers.preview = answers.preview.model_copy(update={"goes": True})

    assert shown.stdout.splitlines()[1:] == ["[high] x", "", "one", "two"]
    assert (shown.exit_code, run("preview", "on-call", "a").exit_code) == (1, 0)
