"""Messages by apprise itself, in its process, to real receivers: what comes of each, and where it never goes."""

from __future__ import annotations

import json
from dataclasses import replace

from starlette.requests import Request  # noqa: TC002  # starlette looks at it
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_alerter.notifying.apprise_process import markdown
from aoc_alerter.notifying.apprise_sender import AppriseProcesses
from aoc_alerter.notifying.message import of_alert
from aoc_common.clock import SystemClock
from aoc_common.errors import AocError, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from made_alerts import RULE, alert_event, alert_of
from notified import GATEWAY, route
from receiving import LOOPBACK, serving

HOSTILE = "<b>x</b> [reset](https://evil.example) @everyone\nSeverity: low"


async def test_apprise_sends_and_says_what_came_of_it_and_goes_nowhere_else() -> None:
    taken: list[tuple[str, bytes]] = []

    async def hook(request: Request) -> Response:
        status = int(request.path_params["status"])
        taken.append((request.url.path, await request.body()))
        return PlainTextResponse("words of the receiver", status, {"Location": f"{at}/200/elsewhere"})

    processes = AppriseProcesses(LOOPBACK, GATEWAY, SystemClock())
    alert = replace(alert_of(alert_event(actor=HOSTILE)), rule=replace(RULE, title=HOSTILE))
    message = of_alert(route(), alert, GATEWAY, None)

    async def said(kind: type[AocError], url: str, by: AppriseProcesses = processes) -> str:
        try:
            await by.send(url, message)
        except kind as error:
            return str(error)
        raise AssertionError("nothing was raised")

    async with serving([Route("/{status}/{rest:path}", hook, methods=["POST"])]) as at:
        host = at.removeprefix("http://")
        await processes.send(f"json://{host}/200/secret-path", message)
        assert "400 words of the receiver" in await said(RefusedWhole, f"json://{host}/400/secret-path")
        assert "404 words of the receiver" in await said(Unusable, f"json://{host}/404/secret-path")
        assert "503 words of the receiver" in await said(Unreachable, f"json://{host}/503/secret-path")
        assert "a redirect" in await said(Unusable, f"json://{host}/302/secret-path")
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
        assert len(taken) == 5

    sent = json.loads(taken[0][1])
    assert sent["title"] == message.title
    assert sent["type"] == "failure"
    assert (
        markdown("a*b\nhttps://aoc.example/x ok", GATEWAY)
        == "a\\*b\n\n[https://aoc.example/x](https://aoc.example/x) ok"
    )
    assert "evil.example" in sent["message"]
    assert "https://evil" not in sent["message"]
