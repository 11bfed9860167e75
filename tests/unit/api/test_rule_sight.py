"""Who sees which exceptions and changes of rules, and what is left of loading them when somebody hangs up."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

from aoc_api import rule_texts, rule_views, rule_work
from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Principal
from aoc_api.rule_work import RuleWork
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.store.rules import RuleChange, RuleException, StoredRule
from aoc_common.tenants.tenant import Tenant
from aoc_rules.catalogue import Catalogue
from manual_clock import ManualClock

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
EVERYTHING = Grant("reader", everything=True)


def exception(name: str, *tenants: str, until: datetime | None = None) -> RuleException:
    return RuleException(name, "title: x", "dana", "her job", NOW, until, frozenset(tenants))


STORED = StoredRule(
    "r",
    exceptions=(
        exception("all"),
        exception("contoso", "contoso"),
        exception("both", "contoso", "fabrikam"),
        exception("over", "fabrikam", until=NOW),
    ),
    history=(RuleChange(1, NOW, "dana", "added"), RuleChange(2, NOW, "kim of contoso", "exception x", "contoso")),
)


async def seen(tenant: str, grant: Grant, *hiding: str):
    async def groups_of(_: str) -> frozenset[str]:
        return frozenset()

    async def hidden_from(_: object, tenant: str, __: object) -> Hidden:
        return Hidden(fields=frozenset({"actor"})) if tenant in hiding else Hidden()

    policy, who = AccessPolicy(groups_of, hidden_from), Principal("person", "d/kim", "Kim", (grant,))
    sight = await rule_views.sight(policy, await policy.scope(who, tenant, "reader"), who, NOW, [STORED])
    exceptions = {one.id: set(one.tenants) for one in sight.exceptions(STORED)}
    return exceptions, [one.author for one in sight.changes(STORED)]


async def test_a_tenant_sees_its_own_and_what_is_everywhere_and_nobody_s_names_of_another() -> None:
    alone = Grant("admin", tenants=frozenset({"fabrikam"}))
    assert await seen("fabrikam", alone) == ({"all": set(), "both": {"fabrikam"}}, ["dana"])
    assert await seen("fabrikam", alone, "fabrikam") == ({}, ["dana"])


async def test_who_may_see_all_tenants_sees_no_exception_with_values_that_one_of_them_hides() -> None:
    whole = {"all": set(), "contoso": {"contoso"}, "both": {"contoso", "fabrikam"}}
    assert await seen("fabrikam", EVERYTHING) == (whole, ["dana", "kim of contoso"])
    assert (await seen("fabrikam", EVERYTHING, "contoso"))[0] == {"all": set()}


class NoRules:
    async def marks(self) -> dict[str, str]:
        return {}


async def test_who_hangs_up_while_rules_are_loaded_takes_nothing_away_from_the_next(monkeypatch) -> None:
    began, go_on, loads = threading.Event(), threading.Event(), []

    def load(*, home: bool) -> Catalogue:
        loads.append(home)
        began.set()
        go_on.wait(10)
        return Catalogue((), home=home)

    monkeypatch.setattr(rule_work, "_catalogue", load)
    work = RuleWork(NoRules(), ManualClock(NOW), home=False)
    first = asyncio.create_task(work.inventory())
    await asyncio.to_thread(began.wait, 10)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(work.inventory())
    await asyncio.wait([second], timeout=0.001)
    go_on.set()

    assert not (await second).entries
    assert loads == [False]


def tenant(**said) -> Tenant:
    identity = "00000000-0000-4000-8000-000000000001"
    return Tenant(name="contoso", tenant_id=identity, client_id=identity, **said)


def test_what_the_tenant_does_not_have_is_named() -> None:
    text = """title: x
id: 5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90
logsource: {product: m365, service: exchange}
detection: {selection: {Operation: Set-Mailbox, 'UserId|expand': '%watched%'}, condition: selection}
aoc: {trusted_networks: inside}
"""
    (entry,) = Catalogue((), home=False).inventory({"r": StoredRule("r", text)}, NOW).entries.values()
    assert [one.code for one in rule_texts.linted(entry, tenant(lists={"other": ["x"]}), NOW)] == [
        "missing-list", "not-here",
    ]  # fmt: skip
    assert [one.place for one in rule_texts.linted(entry, None, NOW)] == ["", "aoc.trusted_networks"]
    assert rule_texts.linted(entry, tenant(lists={"watched": []}, trusted_networks=["192.0.2.0/24"]), NOW) == []
