"""What people are told: nobody who writes values of an alert writes anything else than values."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson

from aoc_alerter.notifying.message import of_alert, of_several, of_test
from aoc_alerter.notifying.templates import LONGEST_BODY, LONGEST_TITLE, harmless
from aoc_alerter.notifying.webhook import body
from each import each
from made_alerts import NOW, RULE, alert_event, alert_of
from notified import GATEWAY, route

#: Markup of mail, Slack, Teams, Discord, Telegram and terminals, mentions, and lines that look like ours.
HOSTILE = (
    "<script>alert(1)</script>", "<!channel> <@U012> <https://evil.example|click>", "[reset](https://evil.example)",
    "![x](http://evil.example/x.png)", "@everyone @here", "\x1b[2J\x1b]8;;http://evil.example\x07click",
    "a\nSeverity: low, status: resolved", "a\r\nBcc: all@contoso.example", "`code` ||hidden||", "{{DATE(x)}}",
    "www.evil.example", "{title}", "\u202egnp.exe", "\ud800", "javascript:alert(1)", "mailto:mallory@evil.example",
)  # fmt: skip
#: What any of them would act upon.
ACTIVE = re.compile(
    r"[<>`|\x00-\x09\x0b-\x1f\x7f\u202e\ud800]|\]\(|https?://evil|(?<![\w.+-])@\w|www\.|(javascript|mailto):|\{\{"
)


@each("value", HOSTILE)
def test_a_value_is_a_value_wherever_it_stands(value: str) -> None:
    event = alert_event(actor=value, operation=value, service=value)
    hostile = replace(alert_of(event), rule=replace(RULE, title=value, description=value, tags=(value,)))
    templates = "{title} {actors} {operations} {description} {tags} {matched} {group} {message}"

    for message in (
        of_alert(route(), hostile, GATEWAY, None),
        of_alert(route(title=templates, body=templates), hostile, GATEWAY, "low"),
        of_several(route(), [hostile, hostile], GATEWAY, "1"),
    ):
        assert not ACTIVE.search(message.title), message.title
        assert not ACTIVE.search(message.body), message.body
        assert "\n" not in message.title
        assert not [line for line in message.body.splitlines() if line.startswith(("Severity: low", "Bcc:"))]


def test_what_people_need_is_said_and_leads_to_the_alert() -> None:
    alert = alert_of()
    message = of_alert(route(), alert, GATEWAY, None)

    assert message.title == "[high] Inbox rule forwards mail (contoso)"
    assert f"{GATEWAY}/api/alerts/{alert.id}?tenant=contoso" in message.body.splitlines()
    assert f"aoc alerts show {alert.id} --tenant contoso" in message.body
    assert "kim@contoso.example" in message.body
    assert message.id == of_alert(route(), alert, GATEWAY, None).id
    assert "More severe than told before (low)." in of_alert(route(), alert, GATEWAY, "low").body
    assert alert.rule.title not in of_test(route(), GATEWAY, "a", NOW).body


def test_no_message_is_longer_than_destinations_take() -> None:
    long = replace(alert_of(), rule=replace(RULE, title="x" * 5_000, description="y" * 9_000, tags=("z" * 900,) * 90))
    templates = "{description}" * 30

    alone = of_alert(route(body=templates), long, GATEWAY, None)
    several = of_several(route(), [long] * 300, GATEWAY, "1")

    for message in (alone, several):
        assert len(message.title) <= LONGEST_TITLE
        assert len(message.body) <= LONGEST_BODY
    assert "300 alerts" in several.title
    large = replace(long, events=tuple(alert_event(n, evidence={"x": "y" * 4_000}) for n in range(100)))
    assert len(body(of_alert(route(), large, GATEWAY, None), "2026-11-23T08:00:00Z")) < 250_000


def test_a_webhook_has_the_whole_finding_as_json() -> None:
    read = orjson.loads(body(of_alert(route(), alert_of(), GATEWAY, None), "2026-11-23T08:00:00Z"))

    assert read["type"] == "aoc.alert.new"
    assert read["data"]["finding"]["class_uid"] == 2004
    assert read["data"]["finding"]["evidences"]


def test_what_is_no_markup_stays_as_it_is() -> None:
    for plain in ("kim@contoso.example", "New-InboxRule -From a_b*c", "10.0.0.7:443", "Añadir 成员"):
        assert harmless(plain) == plain
