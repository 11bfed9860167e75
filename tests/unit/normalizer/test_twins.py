"""By what twins recognise each other, which records are paired, and who is first."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_common.clock import SystemClock
from aoc_common.contracts.directory import Entity
from aoc_common.contracts.twins import Candidate, TwinFacts
from aoc_normalizer.enrich.lookup import EnrichmentData, nowhere
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.settings import TwinSettings
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.twins.pairing import pairs
from both_lanes import APP, AUDIT, CHANGE, LOGON, NOW, SIGN_IN, WHO, WHOM
from each import each
from memory import MemoryTwins
from remembering import always, by_key


def facts(record, tenant="contoso"):
    return normalise(json.dumps(record).encode(), RecordContext(tenant, "any", NOW)).twin_facts


def one(number, lane, at_ms=0, result="success", **more):
    return Candidate(UUID(int=number), "contoso", at_ms, TwinFacts(lane, "d", result=result, **more))


def told(**values):
    return tuple(f"{name}:{value}" for name, value in values.items())


def joined(*candidates):
    return {(graph.id.int, unified.id.int) for graph, unified in pairs(candidates)}


#: Records that tell no changes, and share an id.
ALIKE = {"hints": ("x",)}


@pytest.mark.parametrize(("graph", "unified"), [(AUDIT, CHANGE), (SIGN_IN, LOGON)], ids=["change", "sign-in"])
def test_both_lanes_tell_one_action_by_the_same_facts(graph, unified) -> None:
    mine, its = facts(graph), facts(unified)

    assert (mine.lane, its.lane) == ("graph", "unified")
    assert (mine.digest, mine.properties, mine.ip, mine.session) == (its.digest, its.properties, its.ip, its.session)
    assert mine.result == its.result != "unknown"
    assert set(mine.hints) & set(its.hints)


@pytest.mark.parametrize(
    "other",
    [
        CHANGE | {"Operation": "Remove member from role."},
        CHANGE | {"Actor": [{"ID": f"User_{WHOM}", "Type": 2}]},
        CHANGE | {"Target": [{"ID": f"User_{APP}", "Type": 2}]},
    ],
    ids=["operation", "actor", "target"],
)
def test_another_operation_actor_or_target_is_another_action(other) -> None:
    assert facts(other).digest != facts(AUDIT).digest


def test_another_tenant_or_error_is_another_action() -> None:
    assert facts(AUDIT, "fabrikam").digest != facts(AUDIT).digest
    assert facts(LOGON | {"ErrorNumber": "50053"}).digest != facts(SIGN_IN).digest


@each(
    "record",
    [
        SIGN_IN | {"userPrincipalName": "", "userId": None, "signInEventTypes": ["servicePrincipal"]},
        CHANGE | {"Workload": "Exchange", "RecordType": 1, "Operation": "Set-Mailbox"},
        AUDIT | {"activityDateTime": None},
        AUDIT | {"initiatedBy": {}},
        {"anything": 1},
    ],
    ids=["application", "other workload", "no time", "nobody", "no record of theirs"],
)
def test_some_records_can_have_no_twin(record) -> None:
    assert facts(record) is None


def test_the_directory_s_names_do_not_change_what_a_twin_is_found_by() -> None:
    known = EnrichmentData(by_key(always(Entity(WHO, "user", upn="dana@contoso.example"))), nowhere)
    record = CHANGE | {"Actor": []}
    context = RecordContext("contoso", "any", NOW)

    assert normalise(json.dumps(record).encode(), context, known).twin_facts == facts(record)


def test_changes_of_different_properties_or_values_are_never_joined() -> None:
    assert joined(one(1, "graph", properties=told(a=1)), one(2, "unified", properties=told(b=1))) == set()
    assert joined(one(1, "graph", properties=told(a=1)), one(2, "unified", properties=told(a=2))) == set()
    assert joined(one(1, "graph", properties=told(a=1)), one(2, "unified", properties=told(a=1))) == {(1, 2)}


def test_two_changes_of_one_second_are_paired_by_what_they_changed_whatever_their_order() -> None:
    graph = [one(1, "graph", 0, properties=told(a=1)), one(2, "graph", 500, properties=told(b=1))]
    unified = [one(3, "unified", 2000, properties=told(a=1)), one(4, "unified", 0, properties=told(b=1))]

    assert joined(*graph, *unified) == {(1, 3), (2, 4)}


def test_each_record_has_one_twin_at_most() -> None:
    changed = {"properties": told(a=1)}

    assert len(joined(one(1, "graph", **changed), one(2, "graph", 1000, **changed), one(3, "unified", **changed))) == 1
    assert (
        len(joined(one(1, "graph", **changed), one(3, "unified", **changed), one(4, "unified", 1000, **changed))) == 1
    )


def test_alike_records_are_paired_in_order_of_time() -> None:
    lagging = [one(3, "unified", 1000, **ALIKE), one(4, "unified", 2000, **ALIKE)]

    assert joined(one(1, "graph", 0, **ALIKE), one(2, "graph", 1000, **ALIKE), *lagging) == {(1, 3), (2, 4)}


def test_a_flood_of_alike_records_is_paired_all_the_same() -> None:
    many = [one(n, "graph", 500 * n, **ALIKE) for n in range(1, 301)] + [
        one(1000 + n, "unified", 500 * n, **ALIKE) for n in range(1, 301)
    ]

    assert joined(*many) == {(n, 1000 + n) for n in range(1, 301)}


def test_a_lone_record_takes_the_closest() -> None:
    graph = [one(1, "graph", 0, **ALIKE), one(2, "graph", 3000, **ALIKE)]

    assert joined(*graph, one(3, "unified", 3000, **ALIKE)) == {(2, 3)}


def test_a_shared_id_decides_between_alike_records_and_proves_nothing() -> None:
    graph = [one(1, "graph", 0, hints=("x",)), one(2, "graph", 1000, hints=("y",))]

    assert joined(*graph, one(3, "unified", 1000, hints=("x",))) == {(1, 3)}
    assert joined(one(1, "graph", 0, hints=("x",)), one(3, "unified", 6000, hints=("x",))) == set()
    assert (
        joined(
            one(1, "graph", 0, hints=("x",), properties=told(a=1)),
            one(3, "unified", 0, hints=("x",), properties=told(a=2)),
        )
        == set()
    )


def test_sign_ins_of_other_sessions_or_addresses_are_others() -> None:
    assert joined(one(1, "graph", session="a", **ALIKE), one(2, "unified", session="b", **ALIKE)) == set()
    assert joined(one(1, "graph", ip="192.0.2.1", **ALIKE), one(2, "unified", ip="192.0.2.2", **ALIKE)) == set()
    assert joined(one(1, "graph", session="a", ip="192.0.2.1", **ALIKE), one(2, "unified", **ALIKE)) == {(1, 2)}


RECORDS = st.lists(
    st.builds(
        lambda lane, at, told, hint: (lane, at, told, hint),
        st.sampled_from(["graph", "unified"]),
        st.integers(0, 12_000),
        st.sampled_from([(), ("a:1",), ("a:2",), ("b:1",)]),
        st.sampled_from([(), ("x",), ("y",)]),
    ),
    max_size=9,
)


@pytest.mark.slow
@given(RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_in_which_records_are_given_changes_nothing(records, rng) -> None:
    candidates = [one(n, lane, at, properties=told, hints=hint) for n, (lane, at, told, hint) in enumerate(records)]
    found = joined(*candidates)
    rng.shuffle(candidates)

    assert joined(*candidates) == found
    assert len({graph for graph, _ in found}) == len({unified for _, unified in found}) == len(found)


@given(st.permutations(range(12)), st.integers(1, 12))
@settings(max_examples=200, deadline=None)
async def test_told_changes_get_the_same_links_in_whatever_order_and_batches_they_arrive(order, size) -> None:
    lanes = [(lane, number) for number in range(6) for lane in ("graph", "unified")]
    events = [
        Packed(one(at, lane, 200 * number, properties=(f"p{number}:v",))) for at, (lane, number) in enumerate(lanes)
    ]
    store = MemoryTwins()
    linked = {}
    for start in range(0, len(order), size):
        linked |= await arrive(store, *(events[index] for index in order[start : start + size]), page=start)

    assert {frozenset((second.int & 0xFF, first.int & 0xFF)) for second, first in linked.items()} == {
        frozenset((2 * number, 2 * number + 1)) for number in range(6)
    }


class Packed:
    """What the resolver asks of an event."""

    def __init__(self, candidate) -> None:
        self.id = UUID(int=candidate.time_ms << 80 | candidate.id.int)
        self.tenant, self.twin_facts = candidate.tenant, candidate.facts
        self.candidate = Candidate(self.id, self.tenant, candidate.time_ms, candidate.facts)


async def arrive(store, *events, page=1, again=False, prefer="graph"):
    store.insert(*(event.candidate for event in events))
    resolver = Twins(store, TwinSettings(preferred=prefer).prefer, SystemClock())
    return await resolver.seconds([(event, page, again) for event in events])


GRAPH, UNIFIED = Packed(one(1, "graph", **ALIKE)), Packed(one(2, "unified", **ALIKE))


@pytest.mark.parametrize("prefer", ["graph", "unified"])
async def test_of_two_that_arrive_together_the_preferred_one_is_first(prefer) -> None:
    found = await arrive(MemoryTwins(), GRAPH, UNIFIED, prefer=prefer)

    assert found == ({UNIFIED.id: GRAPH.id} if prefer == "graph" else {GRAPH.id: UNIFIED.id})


async def test_what_came_before_is_first_whatever_is_preferred() -> None:
    store = MemoryTwins()

    assert await arrive(store, UNIFIED, page=1) == {}
    assert await arrive(store, GRAPH, page=2) == {GRAPH.id: UNIFIED.id}


async def test_a_page_that_comes_again_is_told_the_same() -> None:
    store = MemoryTwins()
    await arrive(store, UNIFIED, page=1)
    await arrive(store, GRAPH, page=2)

    assert await arrive(store, UNIFIED, page=1, again=True) == {}
    assert await arrive(store, GRAPH, page=2, again=True) == {GRAPH.id: UNIFIED.id}


async def test_what_may_have_been_published_alone_never_becomes_second() -> None:
    store = MemoryTwins()
    await arrive(store, UNIFIED, page=1)
    # its twin is stored by another replica, which has not claimed it yet
    store.insert(GRAPH.candidate)

    assert await arrive(store, UNIFIED, page=1, again=True) == {}


async def test_a_claim_that_was_made_before_a_crash_counts() -> None:
    store = MemoryTwins()
    await arrive(store, UNIFIED, page=1)

    async def dies(*_):
        raise ConnectionError

    store.decide, works = dies, store.decide
    with pytest.raises(ConnectionError):
        await arrive(store, GRAPH, page=2)
    store.decide = works

    assert await arrive(store, GRAPH, page=2, again=True) == {GRAPH.id: UNIFIED.id}


async def test_who_loses_a_claim_accepts_the_winner_s() -> None:
    class Raced(MemoryTwins):
        async def claim(self, links, at):
            # the other replica was faster, and made its own event the second
            [link] = links
            if not self.claims:
                await super().claim([type(link)(link.tenant, link.graph, link.unified, link.second)], at)
            return await super().claim(links, at)

    store = Raced()
    store.insert(UNIFIED.candidate)

    assert await arrive(store, GRAPH) == {}
    assert store.twin_of == {UNIFIED.id: GRAPH.id}


async def test_who_loses_a_claim_takes_the_next_best() -> None:
    store = MemoryTwins()
    rival, near = Packed(one(3, "graph", 100, **ALIKE)), Packed(one(4, "unified", 0, **ALIKE))
    far = Packed(one(5, "unified", 900, **ALIKE))
    store.insert(rival.candidate, near.candidate, far.candidate)
    real = store.claim

    async def beaten(links, at):
        if not store.claims:
            await real([type(links[0])("contoso", rival.id, near.id, near.id)], at)
        return await real(links, at)

    store.claim = beaten

    assert await arrive(store, Packed(one(1, "graph", **ALIKE))) == {UUID(int=1): far.id}


def test_a_tenant_can_prefer_the_other_lane() -> None:
    chosen = TwinSettings(by_tenant={"contoso": "unified"})

    assert (chosen.prefer("contoso"), chosen.prefer("fabrikam")) == ("unified", "graph")
