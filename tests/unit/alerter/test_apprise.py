"""Messages by apprise itself, in its process, to real receivers: what comes of each, and where it never goes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from pydantic import SecretStr
from starlette.requests import Request  # noqa: TC002  # starlette looks at it
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_alerter.notifying import apprise_process
from aoc_alerter.notifying.apprise_process import GUARD, Report, deliver, markdown
from aoc_alerter.notifying.apprise_sender import AppriseProcesses, ByApprise
from aoc_alerter.notifying.destination import AppriseOptions
from aoc_alerter.notifying.message import of_alert
from aoc_common.clock import SystemClock
from aoc_common.errors import AocError, Unreachable
from aoc_common.outbound.addresses import Addresses
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from each import each
from made_alerts import RULE, alert_event, alert_of
from mailing import mail_server
from notified import GATEWAY, route
from receiving import LOOPBACK, serving

if TYPE_CHECKING:
    from aoc_alerter.notifying.message import Message

HOSTILE = "<b>x</b> [reset](https://evil.example) @everyone\nSeverity: low"


def of_children() -> str:
    """What the system shows of the processes that this one has started: command lines and environments."""
    pids = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    return "".join(Path(f"/proc/{pid}/{name}").read_text() for pid in pids for name in ("cmdline", "environ"))


@pytest.mark.slow
async def test_apprise_sends_and_says_what_came_of_it_and_goes_nowhere_else() -> None:
    taken: list[tuple[str, bytes]] = []

    async def hook(request: Request) -> Response:
        status = int(request.path_params["status"])
        taken.append((request.url.path, await request.body()))
        if request.url.path.endswith("/large"):
            return Response(b"x" * 1_100_000, status)
        return PlainTextResponse("words of the receiver", status, {"Location": f"{at}/200/elsewhere"})

    processes = AppriseProcesses(LOOPBACK, GATEWAY, SystemClock())
    alert = replace(alert_of(alert_event(actor=HOSTILE)), rule=replace(RULE, title=HOSTILE))
    message = of_alert(route(), alert, GATEWAY, None)

    async def said(kind: type[AocError], url: str, by: AppriseProcesses = processes) -> str:
        try:
            await by.send(url, message, set())
        except kind as error:
            return str(error)
        raise AssertionError("nothing was raised")

    async with serving([Route("/{status}/{rest:path}", hook, methods=["POST"])]) as at:
        host = at.removeprefix("http://")
        await processes.send(f"json://{host}/200/secret-path", message, set())
        assert "apprise_process" in (shown := of_children())
        assert "secret-path" not in shown
        await mails_go_to_each_recipient_once(processes, message)
        assert "400 words of the receiver" in await said(RefusedWhole, f"json://{host}/400/secret-path")
        assert "404 words of the receiver" in await said(Unusable, f"json://{host}/404/secret-path")
        assert "503 words of the receiver" in await said(Unreachable, f"json://{host}/503/secret-path")
        assert "a redirect" in await said(Unusable, f"json://{host}/302/secret-path")
        assert "more than 1,048,576 bytes" in await said(Unreachable, f"json://{host}/200/large")
        assert "makes nothing of" in await said(Unusable, "nonsense://secret-path")
        assert "secret-path" not in await said(Unreachable, "json://127.0.0.1:1/secret-path")
        assert not [path for path, _ in taken if "elsewhere" in path]

        await processes.close()
        mail = "mailto://127.0.0.1:25/?from=a@contoso.example&to=b@contoso.example"
        strict = AppriseProcesses((), GATEWAY, SystemClock())
        assert "no public address" in await said(Unusable, f"json://{host}/200/", strict)
        assert "no public address" in await said(Unusable, f"json://localhost:{host.partition(':')[2]}/200/", strict)
        assert "no public address" in await said(Unusable, mail, strict)
        await strict.close()
        assert len(taken) == 6

    sent = json.loads(taken[0][1])
    assert sent["title"] == message.title
    assert sent["type"] == "failure"
    assert (
        markdown("a*b\nhttps://aoc.example/x ok", GATEWAY)
        == "a\\*b\n\n[https://aoc.example/x](https://aoc.example/x) ok"
    )
    assert "evil.example" in sent["message"]
    assert "https://evil" not in sent["message"]


async def mails_go_to_each_recipient_once(processes: AppriseProcesses, message: Message) -> None:
    async with mail_server() as server:
        to = ",".join(f"{name}@contoso.example" for name in ("dana", "full", "eli"))
        people = ByApprise(
            AppriseOptions(url=SecretStr(f"mailto://{server.at}/?from=aoc@aoc.example&to={to}")), processes
        )
        server.answers["full"] = "452 mailbox is full"
        for _ in range(2):
            with pytest.raises(Unreachable, match=r"452.*mailbox is full"):
                await people.send(message)
        server.answers.clear()
        await people.send(message)
        assert sorted(server.taken) == ["dana", "eli", "full"]
        server.answers["full"] = "550 no such mailbox"
        with pytest.raises(RefusedWhole, match=r"2 have it, others do not.*550"):
            await people.send(replace(message, id="another"))


def asked(url: str, **more: object) -> dict[str, object]:
    message = {"url": url, "title": "title", "body": "body", "severity": "low", "about": "alert-1", "over": False}
    return {**message, "had": [], "allowed_networks": (), "home": GATEWAY, **more}


def test_a_pagers_incident_is_raised_once_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, object]] = []

    def answer(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        sent.append(json.loads(request.body or b""))
        made = requests.Response()
        made.status_code, made._content = 202, b"{}"  # as its adapter makes one
        return made

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    key = "0123456789abcdef0123456789abcdef"
    for more in ({}, {"severity": "high"}, {"over": True}):
        assert apprise_process._notify(asked(f"pagerduty://{key}@aoc", **more))
    assert apprise_process._notify(asked(f"pagerduty://{key}@aoc?dedup=own"))

    assert [(one["event_action"], one["dedup_key"]) for one in sent] == [
        ("trigger", "alert-1"), ("trigger", "alert-1"), ("resolve", "alert-1"), ("trigger", "own"),
    ]  # fmt: skip


def test_a_message_is_not_sent_because_apprise_has_nothing_against_it() -> None:
    said = deliver(asked("opsgenie://0123456789abcdef0123456789abcdef"))

    assert (said["kind"], said["words"]) == ("unusable", "apprise has sent nothing, and says that it did")


@each(
    ("body", "kind"),
    [
        (b'{"ok": false, "error": "not_in_channel"}', "unusable"),
        (b'{"ok": false, "error": "msg_too_long"}', "refused"),
        (b'{"ok": false, "error": "fatal_error"}', "unreachable"),
        (b'{"ok": false}', "unusable"),
        (b'{"ok": true}', ""),
        (b"ok", ""),
        (b"[]", ""),
    ],
)
def test_a_refusal_with_status_200_is_one_in_its_own_words(body: bytes, kind: str) -> None:
    GUARD.report = Report(Addresses())
    GUARD.answered(200, body)

    assert GUARD.report.kind == kind
    assert not kind or GUARD.report.words == f"200 {json.loads(body).get('error', 'not ok')}"


@each(("kind", "expected"), [("refused", "refused"), ("unusable", "refused"), ("unreachable", "unreachable")])
def test_who_has_a_message_is_not_told_for_days_because_another_one_refuses_it(kind: str, expected: str) -> None:
    def partly(_: object) -> bool:
        GUARD.report.taken = {"one", "two"}
        GUARD.report.refused(kind, "is_archived")
        return False

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(apprise_process, "_notify", partly)
        said = deliver(asked("slack://", had=["one"]))

    assert said["kind"] == expected
    assert "is_archived" in said["words"]
    assert (expected == "unreachable") or said["words"].startswith("2 have it")


async def test_destinations_that_hang_hold_up_none_that_answers() -> None:
    class Processes(AppriseProcesses):
        async def _asked(self, line: bytes) -> dict[str, object]:
            if b"hangs" in line:
                if self.hung:
                    await asyncio.Event().wait()
                raise Unreachable("no answer")
            return {"kind": "sent", "words": "", "taken": []}

        hung = False

    processes = Processes(LOOPBACK, GATEWAY, SystemClock())
    message = of_alert(route(), alert_of(), GATEWAY, None)
    silent = [ByApprise(AppriseOptions(url=SecretStr(f"json://hangs{n}")), processes) for n in range(3)]
    for one in silent:
        with pytest.raises(Unreachable):
            await one.send(message)
    processes.hung = True
    hanging = [asyncio.create_task(one.send(message)) for one in silent]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ByApprise(AppriseOptions(url=SecretStr("json://answers")), processes).send(message)

    assert not any(task.done() for task in hanging)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
