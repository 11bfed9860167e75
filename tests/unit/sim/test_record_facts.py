"""The simulator's own books: what each record tells, in which texts it was shown, and what was delivered."""

from __future__ import annotations

import orjson

from aoc_sim.deliveries import Deliveries
from aoc_sim.faults import EXTRAS, Faults
from aoc_sim.record_facts import digest


def test_a_record_that_changes_is_known_by_each_text_in_which_it_was_shown(make_world) -> None:
    world = make_world(events=2000, faults=Faults(**EXTRAS["changes"]))
    course = next(iter(world.changes.courses().values()))
    entry = course.entry
    first = world.show(entry)
    world.changes.turn(world.now_us() + 10**9)
    second = world.show(entry)

    assert first != second
    assert list(entry.digests)[:2] == [digest(first), digest(second)]


def test_a_text_that_was_never_shown_is_not_in_the_books(make_world) -> None:
    world = make_world(events=500, faults=Faults(recase_rate=1.0, again_age_s=10**6))
    entry = world.tenants["contoso"].lanes["o365-exchange"].entries[0]
    before = set(entry.digests)
    other = [world.show(entry) for _ in range(3)][-1]

    assert before == {digest(entry.body)}
    assert set(entry.digests) == before | {digest(other)}


def test_namesakes_share_id_and_time_with_a_record_of_another_tenant_and_nothing_else(make_world) -> None:
    world = make_world(events=3000, faults=Faults(shared_id_rate=0.1))
    of_tenants = [
        {(source, entry.key): entry for source, lane in tenant.lanes.items() for entry in lane.entries}
        for tenant in world.tenants.values()
    ]
    shared = of_tenants[0].keys() & of_tenants[1].keys()
    pairs = [[of_tenant[key] for of_tenant in of_tenants] for key in shared]

    assert len(shared) == world.dice.injected["shared_id"] > 20
    assert all(one.at_us == other.at_us and one.body != other.body for one, other in pairs)
    assert all(
        orjson.loads(one.body)["CreationTime"] == orjson.loads(other.body)["CreationTime"] for one, other in pairs
    )
    assert sum(len(of_tenant) for of_tenant in of_tenants) == 3000


def test_neighbours_share_time_and_operation_with_a_record_of_their_own_tenant_and_have_an_id_of_their_own(make_world):
    world = make_world(events=3000, faults=Faults(shared_id_rate=0.1))
    lane = world.tenants["contoso"].lanes["o365-exchange"].entries
    places = [(entry.at_us, entry.facts.operation) for entry in lane]

    assert world.dice.injected["shared_time"] > 20
    assert len(places) - len(set(places)) > 5
    assert len({entry.key for entry in lane}) == len(lane)


def test_what_is_still_to_come_is_not_delivered_by_being_asked_for() -> None:
    deliveries = Deliveries()
    deliveries.note("contoso", "graph-signins", 100, 0, 3_600)

    assert deliveries.of("contoso", "graph-signins") == [(100, 0, 100)]
    assert deliveries.of("contoso", "o365-dlp") == []


def test_a_record_that_shares_its_id_has_another_operation_of_its_own_workload(make_world) -> None:
    world = make_world(events=4000, faults=Faults(other_operation_rate=0.5))
    pairs = [
        orjson.loads(entry.body)
        for lane in world.tenants["contoso"].lanes.values()
        for entry in lane.entries
        if entry.key.count("|") and entry.source.startswith("o365-") and entry.source != "o365-dlp"
    ]
    workloads = {
        (pair["Workload"], pair["Operation"]) for pair in pairs if pair["Operation"] in {"MessageSent", "Update"}
    }

    assert {"Exchange", "SharePoint", "OneDrive", "MicrosoftTeams"} == {pair["Workload"] for pair in pairs}
    assert workloads <= {("MicrosoftTeams", "MessageSent"), ("Exchange", "Update")}
