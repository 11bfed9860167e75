"""Rules and exceptions as people give them: what is refused, what holds for whom, and what is told of many faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
import yaml
from pydantic import ValidationError

from aoc_alerter.settings import AlerterOptions
from aoc_api.settings import AlerterHome
from aoc_common.contracts.rows import Row
from aoc_common.store.rules import RuleException, StoredRule
from aoc_rules.backtest import BackTest, matched
from aoc_rules.catalogue import Catalogue, checked, compiled_of, compiled_within
from aoc_rules.exceptions import excepted, exceptions_of, written
from aoc_rules.sigma import places
from aoc_rules.sigma.faults import RuleRefused
from aoc_rules.sigma.named_lists import NO_LISTS
from each import each
from microsoft_records import event_of, records

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OWN, OTHER = "5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90", "7c1d6c39-7a3a-4f0f-9d1a-0f5a3c1e8a4d"
TEXT = f"""title: The audit of a mailbox was switched off
id: {OWN}
logsource: {{product: m365, service: exchange}}
detection: {{selection: {{Operation: Set-Mailbox}}, condition: selection}}
"""
ACROSS = f"""title: In many tenants
id: {OTHER}
correlation: {{type: event_count, rules: [{OWN}], timespan: 1h, condition: {{gte: 2}}}}
aoc: {{across_tenants: true}}
"""


def filter_of(rule: str = OWN, service: str = "exchange", user: str = "*", **about) -> str:
    document = {
        "title": "Not them",
        "logsource": {"product": "m365", "service": service},
        "filter": {"rules": [rule], "selection": {"UserId": user}, "condition": "not selection"},
    }
    return yaml.safe_dump(document | ({"aoc": about} if about else {}))


def exception(text: str = "", until: datetime | None = None, *tenants: str) -> RuleException:
    return RuleException(OTHER, text or filter_of(), "dana", "her job", NOW, until, frozenset(tenants))


@pytest.fixture(scope="module")
def event():
    [(_, made)] = records({"cmdlet": {"Operation": "Set-Mailbox", "Parameters": {"AuditEnabled": "False"}}})
    return event_of(made)


def test_of_many_faults_the_first_are_told_and_the_text_is_read_once_for_all_of_them(monkeypatch) -> None:
    fields = "".join(f"    field{number}|bogus: x\n" for number in range(300))
    text = (
        f"title: x\nid: {OWN}\nlogsource: {{product: m365}}\ndetection:\n  selection:\n{fields}  condition: selection\n"
    )
    reads, compose = [], places._composed

    def composed(text):
        reads.append(text)
        return compose(text)

    monkeypatch.setattr(places, "_composed", composed)
    with pytest.raises(RuleRefused) as refused:
        checked(text, "rule")

    told = str(refused.value)
    assert "line 6, detection.selection.field0|bogus" in told
    assert "field19|bogus" in told
    assert "field20|bogus" not in told
    assert told.endswith("and 280 more")
    assert len(reads) == 1


@each(
    "about, place",
    [
        ({"untill": "2027-01-01"}, "aoc.untill"),
        ({"tenant": "contoso"}, "aoc.tenant"),
        ({"tenants": "contoso"}, "aoc.tenants"),
        ({"tenants": []}, "aoc.tenants"),
        ({"tenants": ["Contoso Ltd"]}, "aoc.tenants"),
        ({"until": None}, "aoc.until"),
        ({"until": "soon"}, "aoc"),
        ({"reason": "x" * 1_001}, "aoc.reason"),
    ],
)
def test_an_exception_that_would_hold_for_longer_or_elsewhere_than_is_meant_is_refused(about, place) -> None:
    with pytest.raises(RuleRefused) as refused:
        exceptions_of(filter_of(**about), "file", "me", NOW)
    assert refused.value.faults[0].place == place


@each(
    "text", [f"title: x\nfilter: [{OWN}]\n", filter_of().replace(f"- {OWN}", "[]").replace("rules:\n", "rules: any\n")]
)
def test_a_filter_that_is_none_of_a_rule_is_refused_and_not_passed_over(text) -> None:
    with pytest.raises(RuleRefused):
        exceptions_of(text, "file", "me", NOW)


def test_an_exception_is_the_same_after_it_was_a_file_to_the_last_microsecond() -> None:
    one = exception("", NOW + timedelta(microseconds=500), "contoso")
    ((read,),) = exceptions_of(written(one), "file", "x", NOW).values()
    assert replace(read, text="") == replace(one, text="")
    assert excepted(read.text) == excepted(one.text)
    assert excepted(filter_of(user="kim")) != excepted(one.text)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue((), home=False)


@each("enabled", [None, False])
@each("text", [filter_of(OTHER), filter_of(service="threat_detection"), "title: ["])
def test_what_would_except_nothing_is_refused_also_of_a_rule_that_is_off(enabled, text) -> None:
    rule = StoredRule(OWN, TEXT, enabled, exceptions=(exception(text),))
    with pytest.raises(RuleRefused):
        Catalogue((), home=False).check(rule, {}, NOW)


def test_a_rule_whose_stored_exception_is_faulty_can_be_switched_off(catalogue) -> None:
    stored = StoredRule(OWN, TEXT, exceptions=(exception("title: ["),))
    catalogue.check(replace(stored, enabled=False), {OWN: stored}, NOW)


@each("options", [AlerterOptions, AlerterHome])
def test_a_home_tenant_without_a_name_stops_a_start(options) -> None:
    with pytest.raises(ValidationError):
        options(home_tenant="")
    assert options(home_tenant="contoso").home_tenant == "contoso"


def test_a_correlation_across_tenants_is_taken_where_the_alerter_takes_it(catalogue) -> None:
    beside = {OWN: StoredRule(OWN, TEXT)}
    Catalogue((), home=True).check(StoredRule(OTHER, ACROSS), beside, NOW)
    with pytest.raises(RuleRefused, match="AOC_ALERTER__HOME_TENANT"):
        catalogue.check(StoredRule(OTHER, ACROSS), beside, NOW)


def test_a_rule_is_tried_with_the_exceptions_of_the_tenant_until_they_end(catalogue, event) -> None:
    ends, whole = NOW + timedelta(hours=1), orjson.loads(event.message())
    stored = StoredRule(OWN, TEXT, enabled=False, exceptions=(exception("", ends, "contoso"),))
    entry = catalogue.inventory({OWN: stored}, NOW).entries[OWN]

    def finds(tenant: str, now: datetime) -> bool:
        return matched(compiled_within(entry, tenant, now), whole, NO_LISTS) is not None

    assert (finds("contoso", NOW), finds("fabrikam", NOW), finds("contoso", ends)) == (False, True, True)


def test_of_twins_a_rule_finds_one_whichever_of_them_it_is_about(event) -> None:
    first, second, whole = UUID(int=1), UUID(int=2), orjson.loads(event.message())
    other = {**whole, "metadata": {}}  # of no log source that the rule is about
    row = Row(second, "t", event.source, event.operation, whole, twin_of=first)
    twin = replace(row, id=first, twin_of=None, twin=second)
    rule = compiled_of(checked(TEXT, "rule"))

    def found(*events) -> int:
        test = BackTest(rule)
        test.add_all(events)
        return test.matches

    assert found((twin, other), (row, whole)) == 1
    assert found((twin, whole), (row, whole)) == found((row, whole), (twin, whole)) == 1
    assert found((replace(row, twin_of=None), whole), (replace(row, id=first, twin_of=None), whole)) == 2
