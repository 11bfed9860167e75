"""Routes as their file says them: what is refused, which alerts they take, and when they are open."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aoc_alerter import metrics
from aoc_alerter.notifying.apprise_process import without_secrets
from aoc_alerter.notifying.destination import options_of
from aoc_alerter.notifying.intake import Revision, wants
from aoc_alerter.notifying.route import Hours, read_text
from aoc_alerter.notifying.routes import Routes
from aoc_alerter.notifying.selection import Choice, is_open
from aoc_alerter.notifying.templates import FIELDS
from aoc_alerter.settings import NotifyOptions
from aoc_common.contracts.alert_message import AlertMessage
from aoc_common.errors import BadConfiguration, Unreadable
from each import each
from made_alerts import NOW, RULE, alert_of
from notified import route

GROUPS = {"contoso": frozenset({"customers"})}


def asks(alert: Any = None, **settings: Any) -> str | None:
    """What a revision asks of a route; None: nothing."""
    published = AlertMessage.of(alert or alert_of())
    revision = Revision.of(published.subject, published.headers, published.body)
    return next((want.asks for want in wants(revision, [Choice(route(**settings))], GROUPS, NOW)), None)


def taken(alert: Any = None, **settings: Any) -> bool:
    return asks(alert, **settings) == "tell"


def test_a_route_takes_what_it_asks_for_and_nothing_else() -> None:
    assert taken()
    for asked, other in (
        ({"severities": ["high"]}, {"severities": ["low", "critical"]}),
        ({"tenants": ["contoso"]}, {"tenants": ["fabrikam"]}),
        ({"groups": ["customers"]}, {"groups": ["trials"]}),
        ({"rules": [RULE.id.upper()]}, {"rules": ["another"]}),
        ({"tags": ["ATTACK.t1114*"]}, {"tags": ["attack.t1098"]}),
    ):
        assert taken(include=asked)
        assert not taken(include=other)
        assert not taken(exclude=[asked])
        assert taken(exclude=[other])


def test_the_past_and_what_is_resolved_is_told_nobody_unless_asked() -> None:
    past = replace(alert_of(), retrospective=True)

    assert not taken(past)
    assert taken(past, retrospective=True)
    for status in ("resolved", "suppressed"):
        assert asks(replace(alert_of(), status=status)) is None
        assert asks(replace(alert_of(), status=status), resolved=True) == "end"


@each("subject", ["aoc.alerts.contoso.grave", "aoc.alerts.Contoso!.high", "aoc.alerts.contoso"])
def test_what_is_no_revision_is_said_so(subject: str) -> None:
    with pytest.raises(Unreadable):
        Revision.of(subject, {"Nats-Msg-Id": "1"}, b"")


@each(
    ("hours", "moment", "expected"),
    [
        ({"days": ["mon"], "since": "08:00", "until": "18:00"}, "2026-11-23T07:00Z", True),  # 08:00 there
        ({"days": ["mon"], "since": "08:00", "until": "18:00"}, "2026-11-23T06:59Z", False),
        ({"days": ["mon"], "since": "08:00", "until": "18:00"}, "2026-11-23T17:00Z", False),
        ({"days": ["mon"], "since": "08:00", "until": "18:00"}, "2026-11-24T09:00Z", False),
        ({"days": ["mon"], "since": "08:00", "until": "18:00"}, "2026-07-06T06:00Z", True),  # summer time
        ({"days": ["fri"], "since": "22:00", "until": "06:00"}, "2026-11-28T04:59Z", True),  # Friday's night
        ({"days": ["fri"], "since": "22:00", "until": "06:00"}, "2026-11-28T05:00Z", False),
        ({"days": ["fri"], "since": "22:00", "until": "06:00"}, "2026-11-27T04:00Z", False),
        ({"days": ["mon"], "outside": True}, "2026-11-23T12:00Z", False),
        ({"days": ["mon"], "outside": True}, "2026-11-24T12:00Z", True),
    ],
)
def test_hours_are_those_of_the_zone(hours: dict[str, Any], moment: str, expected: bool) -> None:
    at = datetime.fromisoformat(moment.replace("Z", ":00+00:00")).astimezone(UTC)

    assert is_open(Hours.model_validate({"zone": "Europe/Amsterdam", **hours}), at) is expected


def test_while_it_is_closed_alerts_wait_or_go_another_way() -> None:
    closed = {"zone": "UTC", "days": ["sun"]}

    assert taken(hours=closed)
    assert asks(hours=closed | {"otherwise": "skip"}) == "pass"
    assert Choice(route(digest={})).digest_at("high", NOW) is None
    assert Choice(route(digest={"every_m": 30})).digest_at("low", NOW) == NOW.replace(minute=30)


@each(
    ("text", "named"),
    [
        ("routes: [", "no YAML"),
        ("- name: a", "expected `routes:`"),
        ("routes: [{name: A!, options: {}}]", "route 1, name"),
        ("routes: [{name: a, options: {}, hours: {zone: Mars}}]", "'Mars' is no time zone"),
        ("routes: [{name: a, options: {}, title: '{sevrity}'}]", "{sevrity} is not known"),
        ("routes: [{name: a, options: {}, body: '{title.__class__}'}]", "is not known"),
        ("routes: [{name: a, options: {}, body: '{'}]", "brace"),
        ("routes: [{name: a, options: {}, exclude: [{}]}]", "asks for nothing"),
        ("routes: [{name: a, options: {}}, {name: a, options: {}}]", "route a is there twice"),
        ("routes: [{name: a, options: {}, surprise: 1}]", "surprise"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(text: str, named: str) -> None:
    with pytest.raises(BadConfiguration, match=named.replace("{", r"\{")):
        read_text(text.encode(), "file")


async def test_a_file_that_comes_back_as_it_was_is_read(tmp_path: Path) -> None:
    file, away = tmp_path / "routes.yaml", tmp_path / "away"
    file.write_text("routes: [{name: a, options: {}}]")
    routes = Routes(file)
    await routes.start()
    await routes.look()
    file.rename(away)
    await routes.look()
    gone = metrics.NOTIFICATIONS_UNREADABLE._value.get()  # prometheus_client has no other way
    away.rename(file)
    await routes.look()

    assert (gone, metrics.NOTIFICATIONS_UNREADABLE._value.get()) == (1, 0)
    assert [choice.route.name for choice in routes.choices] == ["a"]


@each(
    ("kind", "options", "secret", "named"),
    [
        ("apprise", {"url": "slack://secret-token/#a"}, "", "must be a reference"),
        ("apprise", {"url": "file:/etc/passwd"}, "", "AOC_NOTIFY__SECRET_DIRECTORIES"),
        ("apprise", {"url": "env:AOC_MONGO__URI"}, "", "begin with AOC_NOTIFICATION_"),
        ("apprise", {"url": "env:AOC_NOTIFICATION_URL"}, "no address of secret-token", "no address"),
        ("apprise", {"url": "env:AOC_NOTIFICATION_URL"}, "dbus://", "no address"),
        ("apprise", {"url": "env:AOC_NOTIFICATION_URL"}, "syslog://secret-token", "tells nobody elsewhere"),
        ("apprise", {"url": "env:AOC_NOTIFICATION_URL"}, "jsons://secret-token?verify=no", "verify="),
        ("apprise", {"url": "env:AOC_NOTIFICATION_URL"}, "jsons://secret-token?redirect=yes", "redirect="),
        ("webhook", {"url": "ftp://a", "secret": "env:AOC_NOTIFICATION_URL"}, "secret-token", "url"),
        (
            "webhook",
            {"url": "http://a", "secret": "env:AOC_NOTIFICATION_URL", "http": {"allowed_networks": ["10.0.0.0/8"]}},
            "secret-token",
            "AOC_NOTIFY__ALLOWED_NETWORKS",
        ),
    ],
)
def test_options_that_may_not_be_are_named_without_their_secret(
    kind: str, options: dict[str, Any], secret: str, named: str
) -> None:
    allowed = NotifyOptions(secret_directories=(Path("/run/secrets"),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AOC_NOTIFICATION_URL", secret)
        with pytest.raises(BadConfiguration, match=named) as raised:
            options_of(route(kind=kind, options=options), allowed)

    assert "secret-token" not in str(raised.value)


def test_words_of_others_repeat_no_part_of_an_address() -> None:
    url = "workflows://logic.azure.example:443/flow-id-1/signa%2Fture-abc/?ver=2016-06-01"

    said = without_secrets("403 for flow-id-1, sig=signa/ture-abc with url: /workflows/flow-id-1?sig=x (refused)", url)

    assert "flow-id-1" not in said
    assert "ture-abc" not in said
    assert said.endswith("(refused)")


def test_the_routes_of_the_how_to_are_some() -> None:
    page = (Path(__file__).parents[3] / "docs" / "howto" / "notify-about-alerts.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]

    assert [one.name for one in read_text(example.encode(), "page")] == ["on-call", "soc", "night", "mail", "tickets"]
    assert set(FIELDS) <= set(re.findall(r"\w+", page.partition("Fields in braces:")[2].partition("## 3")[0]))
