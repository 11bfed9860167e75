from __future__ import annotations

import pytest

from aoc_collector.sources import SOURCES
from aoc_common.contracts import webhooks
from aoc_common.contracts.sources import CONTENT_TYPES, DIRECTORY, SOURCE_NAMES
from aoc_common.contracts.webhooks import Sealed, Seals, same_tenant
from aoc_common.errors import BadConfiguration, Malformed
from aoc_common.settings import WebhookSettings, load
from each import each

TENANT_ID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
SEALS = Seals(["s" * 32])


def test_the_names_of_sources_are_those_that_the_collector_has():
    feeds = {name for name, spec in SOURCES.items() if spec.family == "management"}

    assert tuple(SOURCES) == SOURCE_NAMES
    assert set(CONTENT_TYPES.values()) == feeds
    assert set(webhooks.POLLED.values()) <= {*SOURCE_NAMES, DIRECTORY}
    assert set(webhooks.POLLED) == set(webhooks.RESOURCES)


@each("kind", ["users", "groups", "alerts", "o365"])
@each("tenant_id", [TENANT_ID, TENANT_ID.upper(), TENANT_ID.replace("-", "")])
def test_a_seal_opens_to_what_it_was_made_for(kind, tenant_id):
    seal = SEALS.seal(kind, "contoso", tenant_id)

    assert SEALS.open(seal) == Sealed(kind, "contoso", TENANT_ID)


def test_the_longest_seal_is_what_graph_takes():
    assert len(SEALS.seal("alerts", "a" * 40, TENANT_ID)) <= 128


@each("change", [str.upper, lambda seal: seal + "\n", lambda seal: seal[:-2], lambda _: "", lambda seal: "x" + seal])
def test_a_changed_seal_does_not_open(change):
    assert SEALS.open(change(SEALS.seal("users", "contoso", TENANT_ID))) is None


def test_every_bit_of_a_seal_counts():
    seal = SEALS.seal("users", "contoso", TENANT_ID)
    changed = {seal[:at] + chr(ord(seal[at]) ^ 1) + seal[at + 1 :] for at in range(len(seal) - 1)}

    assert {SEALS.open(one) for one in changed} == {None}


def test_a_secret_can_be_replaced_while_seals_of_the_old_one_still_open():
    both = Seals(["n" * 32, "s" * 32])
    seal = both.seal("users", "contoso", TENANT_ID)

    assert both.open(SEALS.seal("users", "contoso", TENANT_ID)) is not None
    assert both.open(seal) is not None
    assert SEALS.open(seal) is None
    assert both.key_id != SEALS.key_id


@pytest.mark.parametrize(("tenant", "tenant_id"), [("A B", TENANT_ID), ("", TENANT_ID), ("contoso", "contoso")])
def test_there_is_no_seal_for_what_is_no_tenant(tenant, tenant_id):
    with pytest.raises((Malformed, ValueError)):
        SEALS.seal("users", tenant, tenant_id)


@pytest.mark.parametrize(("given", "same"), [(TENANT_ID.upper(), True), ("x", False), ("", False)])
def test_a_tenant_id_is_the_same_in_any_spelling(given, same):
    assert same_tenant(given, TENANT_ID) is same


@each("url", ["http://aoc.example", "aoc.example", "https://user:p@aoc.example", "https://aoc.example/?x=1", "ftp://x"])
def test_a_public_address_that_microsoft_must_not_be_given_stops_the_start(url):
    with pytest.raises(ValueError, match="https"):
        WebhookSettings(public_url=url)


@pytest.mark.parametrize("secret", [None, "env:AOC_TEST_NOTHING", "env:AOC_TEST_SHORT"])
def test_an_address_without_a_good_secret_stops_the_start(monkeypatch, secret):
    monkeypatch.setenv("AOC_TEST_SHORT", "s" * 31)

    with pytest.raises(BadConfiguration, match=r"^AOC_WEBHOOKS__SECRET: ") as caught:
        WebhookSettings(public_url="https://aoc.example", secret=secret).seals()
    assert "sss" not in str(caught.value)


def test_without_an_address_webhooks_are_off(monkeypatch):
    monkeypatch.setenv("AOC_TEST_LONG", "s" * 32)

    assert WebhookSettings(secret="env:AOC_TEST_LONG").seals() is None
    assert load_gateway(monkeypatch).webhooks.seals() is None


def load_gateway(monkeypatch):
    from aoc_api.settings import ApiSettings

    return load(ApiSettings)
