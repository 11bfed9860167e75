"""A rule tried on history: matches, alerts, and what lint says by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import orjson

from aoc_common.contracts.alert import FieldValue
from aoc_common.contracts.rows import Row
from aoc_common.store.alert_groups import AlertGroup
from aoc_rules.backtest import BackTest, _incidents, matched
from aoc_rules.catalogue import checked, compiled_of
from aoc_rules.circumstances.tenants import UNKNOWN
from aoc_rules.evaluation.answers import Stretch, answer
from aoc_rules.exceptions import filter_document
from aoc_rules.grouping import Placed, placed
from aoc_rules.history import History, duplicates
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.named_lists import NO_LISTS
from aoc_rules.sigma.reading import read
from microsoft_records import event_of, records

OWN = "7c1d6c39-7a3a-4f0f-9d1a-0f5a3c1e8a4d"
TEXT = """title: Mail of {who} is read
id: 5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90
logsource: {{product: m365, service: exchange}}
detection:
  selection: {{Operation: Set-Mailbox, Parameters.AuditEnabled: '{value}'}}
  filter: {{UserId: {who}, Nowhere: x}}
  condition: selection and not filter
aoc: {{window: 1h}}
"""


def rule(value: str = "False", who: str = "sam", source: str = "m365, service: exchange"):
    text = TEXT.format(value=value, who=who).replace("m365, service: exchange", source)
    return compiled_of(checked(text, "rule"))


def test_incidents_are_those_that_the_alerter_makes() -> None:
    random, start = Random(7), datetime(2026, 11, 20, tzinfo=UTC)
    for window in (timedelta(minutes=30), timedelta(days=2)):
        times = [start + timedelta(minutes=random.randrange(6 * 1440)) for _ in range(150)]
        events = [Placed("t", "r", (), UUID(int=number), at, window) for number, at in enumerate(times)]
        _, alerts = placed(AlertGroup("k", "t", "r"), events, {})
        assert len(_incidents(times, window)) == len(set(alerts.values()))


def test_matches_are_counted_and_history_says_what_never_was_and_what_is_too_broad() -> None:
    [(_, made)] = records({"cmdlet": {"Operation": "Set-Mailbox", "Parameters": {"AuditEnabled": "False"}}})
    whole = event_of(made)
    event, at = orjson.loads(whole.message()), datetime.fromtimestamp(whole.time_ms / 1000, UTC)
    row = Row(whole.id, "t", whole.source, whole.operation, event, whole.service, whole.actor, whole.ip)
    test = BackTest(rule())
    assert [test.add(row, event), test.add(row, event)] == [True, True]
    told = answer(test, Stretch(at, at + timedelta(days=2)))
    assert (told.matches, told.alerts, told.alerts_a_day, told.complete) == (2, 1, 0.5, True)
    assert [(one.matches, one.alerts) for one in told.hours] == [(2, 1)]
    assert list(test.hours.values()) == [2]
    assert test.hours.keys() == {at.replace(minute=0, second=0, microsecond=0)}

    for values, excepts in (
        (("actor", whole.actor), True),
        (("UserId|exists", whole.actor), True),
        (("ip", "*"), False),
    ):
        text = filter_document(rule().sigma, [FieldValue(*values)], OWN)
        assert (matched(compile_rule(rule().sigma, read(text, OWN).filters), event, NO_LISTS) is None) is excepts

    rules = {
        "broad": rule(),
        "wrong": rule("Flase"),
        "pim": rule(source="azure, service: pim"),
    }
    history = History(rules, UNKNOWN)
    for _ in range(250):
        history.add(row, event)
    found = {name: {one.code: one for one in history.findings(name)} for name in rules}
    assert found["broad"].keys() == {"too-broad", "unseen-field"}
    assert "never excludes" in found["broad"]["unseen-field"].message
    assert found["wrong"].keys() == {"unseen-value", "unseen-field"}
    assert found["wrong"]["unseen-value"].suggestion == "perhaps 'false'"
    assert found["pim"].keys() == {"not-collected"}
    assert duplicates({"a": rule(), "b": rule(), "c": rule(who="kim")}).keys() == {"a", "b"}
