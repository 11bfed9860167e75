"""No action disappears as the "twin" of another one, whatever an attacker has Microsoft write.

Twins agree on what they assert: absence is no agreement, and what stands for both says all that either says.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import permutations
from random import Random
from uuid import UUID

import pytest

from aoc_common.clock import SystemClock
from aoc_common.contracts.twins import Candidate, TwinFacts, keys_near
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_normalizer.twins.linker import Twins
from aoc_normalizer.twins.pairing import pairs
from aoc_sim import near_twins
from aoc_sim.faults import FaultDice
from aoc_sim.records import directory, signins
from aoc_sim.records.base import Draft
from aoc_sim.settings import SimSettings
from aoc_sim.timeline import World
from aoc_sim.twins import pair
from each import each
from manual_clock import ManualClock
from memory import MemoryTwins

NOW = datetime(2026, 1, 14, 15, 0, tzinfo=UTC)
WHO, WHOM, GROUP, OTHER = (f"{number:08d}-5a11-4d0e-9b1c-0a0c51a00001" for number in (1, 2, 3, 4))


def in_graph(*changed, number=1, second=10.0, result="success", operation="Update user", group=None):
    targets = [{"id": WHOM, "type": "User", "modifiedProperties": [prop(*one) for one in changed]}]
    if group:
        targets.append({"id": group, "Type": "Group", "displayName": None, "modifiedProperties": []})
    return {
        "id": f"Directory_{number}",
        "activityDisplayName": operation,
        "activityDateTime": f"2026-01-14T07:30:{second:06.3f}Z",
        "loggedByService": "Core Directory",
        "correlationId": f"c{number}",
        "result": result,
        "initiatedBy": {"user": {"id": WHO, "userPrincipalName": "dana@contoso.example"}},
        "targetResources": targets,
    }


def in_unified(*changed, number=1, second=10.0, result="Success", operation="Update user."):
    return {
        "Id": f"u{number}",
        "CreationTime": f"2026-01-14T07:30:{int(second):02d}",
        "Operation": operation,
        "RecordType": 8,
        "Workload": "AzureActiveDirectory",
        "AzureActiveDirectoryEventType": 1,
        "UserId": "dana@contoso.example",
        "InterSystemsId": f"c{number}",
        "ResultStatus": result,
        "ModifiedProperties": [{"Name": name, "OldValue": old, "NewValue": new} for name, old, new in changed],
        "Actor": [{"ID": f"User_{WHO}", "Type": 2}, {"ID": "User", "Type": 2}],
        "Target": [{"ID": f"User_{WHOM}", "Type": 2}, {"ID": "User", "Type": 2}],
    }


def prop(name, old, new):
    return {"displayName": name, "oldValue": old, "newValue": new}


def event(record, source="any"):
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    return normalise(body, RecordContext("contoso", source, NOW))


async def arrive(records, size=1):
    """Second -> first, of records that arrive in batches of that size."""
    store = MemoryTwins()
    resolver = Twins(store, lambda _tenant: "graph", SystemClock())
    events = [event(record) for record in records]
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        store.insert(*(Candidate(one.id, one.tenant, one.time_ms, one.twin_facts) for one in batch if one.twin_facts))
        await resolver.seconds([(one, f"p{start}", False) for one in batch])
    return store.twin_of, [one.id for one in events]


async def linked(*records):
    """Whether the second of two records becomes the twin of the first."""
    return bool((await arrive(records))[0])


ROLE = ("Role.DisplayName", None, '"Global Administrator"')


async def test_a_success_never_disappears_as_the_twin_of_the_failure_before_it() -> None:
    fails = (
        {"result": "failure", "operation": "Add member to role"},
        {"result": "Failure", "operation": "Add member to role."},
    )
    works = {"operation": "Add member to role"}, {"operation": "Add member to role."}
    a_graph, a_unified = in_graph(ROLE, number=1, **fails[0]), in_unified(ROLE, number=1, **fails[1])
    b_graph, b_unified = (
        in_graph(ROLE, number=2, second=13, **works[0]),
        in_unified(ROLE, number=2, second=13, **works[1]),
    )
    second_of, [ag, bu, au, bg] = await arrive([a_graph, b_unified, a_unified, b_graph])

    assert second_of == {au: ag, bg: bu}


@each("words", [("failure", "Success"), ("success", "Failure"), (None, "Success"), ("success", None)])
async def test_results_that_differ_or_are_missing_in_one_lane_are_no_agreement(words) -> None:
    assert not await linked(in_graph(ROLE, result=words[0]), in_unified(ROLE, result=words[1]))


async def test_an_unknown_result_is_no_agreement_by_itself() -> None:
    graph, unified = in_graph(ROLE, result="unknownFutureValue"), in_unified(ROLE, result=None)

    assert await linked(graph, unified)
    assert not await linked(graph, unified | {"InterSystemsId": ""})


async def test_a_failure_is_tried_again_so_it_needs_a_shared_id() -> None:
    graph, unified = in_graph(ROLE, result="failure"), in_unified(ROLE, result="Failure")

    assert await linked(graph, unified)
    assert not await linked(graph, unified | {"InterSystemsId": ""})


async def test_ids_that_contradict_forbid_a_link_however_alike_the_rest_is() -> None:
    assert await linked(in_graph(ROLE), in_unified(ROLE))
    assert await linked(in_graph(ROLE), in_unified(ROLE) | {"InterSystemsId": ""})
    assert not await linked(in_graph(ROLE), in_unified(ROLE, number=2))


async def test_groups_of_one_name_with_different_ids_are_different_groups() -> None:
    named, added = ("Group.DisplayName", None, '"Helpdesk"'), {"operation": "Add member to group."}
    graph = in_graph(named, group=GROUP, operation="Add member to group")
    same, another = (in_unified(named, ("Group.ObjectID", None, one), **added) for one in (GROUP, OTHER))

    assert event(graph).twin_facts.digest == event(another).twin_facts.digest
    assert await linked(same, graph)
    assert not await linked(another, graph)


@each(
    "decoy",
    [
        (),
        (("Included Updated Properties", None, '"Department"'),),
        (("TargetId.UserType", None, '"Member"'),),
        (("Department", '["Sales"]', '["Sales"]'),),
        (("SPN", None, '"x"'), ("ActorId.ServicePrincipalNames", None, '"y"')),
    ],
    ids=["nothing", "names only", "the target's kind", "what stayed", "who acted"],
)
async def test_what_tells_no_change_needs_a_shared_id_and_never_stands_for_a_change(decoy) -> None:
    change = ("Department", '["Sales"]', '["Admins"]')

    assert await linked(in_graph(*decoy), in_unified(*decoy))
    assert not await linked(in_graph(*decoy), in_unified(*decoy) | {"InterSystemsId": ""})
    assert not await linked(in_graph(*decoy), in_unified(change))
    assert not await linked(in_graph(*decoy), in_unified(change) | {"InterSystemsId": ""})


async def test_an_event_stands_only_for_what_it_says_itself() -> None:
    less, more = (("A", None, "1"),), (("A", None, "1"), ("B", None, "2"))

    assert not await linked(in_graph(*less), in_unified(*more))
    assert await linked(in_graph(*more), in_unified(*less))
    assert not await linked(in_graph(*more), in_unified(*less) | {"InterSystemsId": ""})
    # of two that come together the one that says more is first, whichever is preferred
    second_of, [graph, unified] = await arrive([in_graph(*less), in_unified(*more)], size=2)
    assert second_of == {graph: unified}


LONG = "x" * 1_100


def alike(count):
    return [(f"p{number}", None, '"x"') for number in range(count)]


def value(new, old=None):
    return [("P", old, new)]


@each(
    ("one", "other"),
    [
        (value(f'"{LONG}A"'), value(f'"{LONG}B"')),
        (value(json.dumps([LONG, "A"])), value(json.dumps([LONG, "B"]))),
        (value(json.dumps(["x"] * 60 + ["A"])), value(json.dumps(["x"] * 60 + ["B"]))),
        (value('"new"', f'"{LONG}A"'), value('"new"', f'"{LONG}B"')),
        (value(json.dumps({f"k{n}": n for n in range(150)})), value(json.dumps({f"k{n}": n for n in range(151)}))),
        ([*alike(24), ("zz", None, '"A"')], [*alike(24), ("zz", None, '"B"')]),
        ([*alike(300), ("zz", None, '"A"')], [*alike(300), ("zz", None, '"B"')]),
        (alike(24), alike(25)),
        ([*value('"a"'), *value('"A"')], [*value('"a"'), *value('"B"')]),
        (value('["a","b"]'), value('["a\\u001eb"]')),
        (value("[12345678901234567890123, 1]"), value("[12345678901234567890124, 1]")),
        (value('{"a":1,"a":2}'), value('{"a":3,"a":2}')),
        (value('"Admin"'), value('"admin"')),
        ([(LONG + "A", None, '"x"')], [(LONG + "B", None, '"x"')]),
        (value('"Projects"', '"Sales"'), value('"Projects"', '"Projects"')),
    ],
    ids=[
        "after 1,024 characters", "in a list after 1,024", "the 61st item", "the old value", "the 151st leaf",
        "the 25th property", "the 301st property", "one property more", "a name twice", "a list and a text",
        "long numbers", "a key twice", "letters' case", "names", "what was there before",
    ],
)  # fmt: skip
async def test_values_are_compared_whole_and_all_of_them(one, other) -> None:
    assert await linked(in_graph(*one), in_unified(*one) | {"InterSystemsId": ""})
    assert not await linked(in_graph(*one), in_unified(*other))
    assert not await linked(in_graph(*one), in_unified(*other) | {"InterSystemsId": ""})


async def test_what_is_kept_of_very_many_properties_is_bounded() -> None:
    many = [(f"p{number}", f'"{number}"', f'"{LONG}"') for number in range(2_000)]
    facts = event(in_graph(*many)).twin_facts

    assert len(json.dumps(facts)) < 4_000


async def test_targets_that_were_cut_away_are_asserted_too() -> None:
    graph = in_graph(ROLE)
    graph["targetResources"] += [{"id": OTHER, "type": "Device", "modifiedProperties": []}] * 600

    assert event(graph).twin_facts is None
    assert event(in_graph(ROLE)).twin_facts is not None


async def test_a_second_user_among_the_targets_is_another_action() -> None:
    graph = in_graph(ROLE)
    graph["targetResources"].append({"id": OTHER, "type": "User", "modifiedProperties": []})

    assert not await linked(in_unified(ROLE), graph)


def test_facts_that_an_older_version_stored_are_agreed_on_by_an_id_only_and_are_never_asked_for() -> None:
    old = TwinFacts("graph", "0123456789abcdef01234567", properties=("6b1f4e2a:0123456789abcdef",), hints=("c1",))
    new = event(in_unified(ROLE)).twin_facts

    assert len(new.digest) != len(old.digest)
    assert all(not key.startswith(old.digest) for key in keys_near(new, 0))
    same = old._replace(lane="unified", hints=())
    assert pairs([Candidate(UUID(int=1), "contoso", 0, old), Candidate(UUID(int=2), "contoso", 0, same)]) == []


@pytest.fixture(scope="module")
def scene():
    settings = SimSettings(events=20, live_rate=0)
    world = World(settings, ManualClock(NOW), FaultDice(settings.starting_faults(), settings.seed))
    return next(iter(world.tenants.values())).traffic.scene(NOW, Random(5))


def sign_in(scene):
    return "graph-signins", signins.user_signin(scene)


def audit(make):
    return lambda scene: ("graph-directory-audits", make(scene))


MADE_OF = [
    (name, make)
    for make, of in (
        (audit(directory.update_user), "Update user"),
        (audit(directory.group_member), "Add member to group"),
        (sign_in, ""),
    )
    for name in near_twins.possible({"activityDisplayName": of})
]


@pytest.mark.slow
@each(("name", "make"), MADE_OF, ids=[name for name, _ in MADE_OF])
async def test_in_whatever_order_near_twins_arrive_each_action_has_an_event_that_stands_for_itself(
    scene, name, make
) -> None:
    source, body = make(scene)
    acts = near_twins.SCENES[name](Draft(source, NOW, body), scene)
    records = [draft for act in acts for draft in pair(act, scene, scene.rng.uniform(-2.4, 2.4))]
    bodies = [json.dumps(draft.body).encode() for draft in records]
    orders = list(permutations(range(len(records))))
    for order in orders if len(orders) < 100 else Random(3).sample(orders, 100):
        second_of, ids = await arrive([bodies[index] for index in order])
        action = {one: records[index].twin for one, index in zip(ids, order, strict=True)}

        assert {frozenset((action[second], action[first])) for second, first in second_of.items()} == {
            frozenset((act.identity(),)) for act in acts
        }
        assert {action[one] for one in ids if one not in second_of} == {act.identity() for act in acts}
