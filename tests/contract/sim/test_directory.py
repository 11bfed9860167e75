"""The simulator's directory objects, as graph-docs describe the real ones."""

from __future__ import annotations

from aoc_sim.settings import DEFAULT_TENANTS
from each import each

USERS = "users/delta"
DELTAS = (USERS, "groups/delta", "servicePrincipals/delta", "devices/delta")
ROLES = "roleManagement/directory/"
SELECT = "displayName,userPrincipalName,userType,accountEnabled,department,assignedLicenses"


async def walk(sim, answer, slug="contoso"):
    """The objects of a reading, its delta link, and the number of pages."""
    objects, pages = list(answer.json()["value"]), 1
    while link := answer.json().get("@odata.nextLink"):
        answer = await sim.get("graph", link, slug)
        assert answer.status_code == 200, answer.text
        objects += answer.json()["value"]
        pages += 1
    return objects, answer.json().get("@odata.deltaLink"), pages


async def alter(sim, **wish):
    return await sim.client.post("/_directory", json={"tenant": "contoso", "collection": "users"} | wish)


def with_roles(*roles):
    return {"tenants": (DEFAULT_TENANTS[0].model_copy(update={"graph_roles": roles, "people": 50}),)}


@each(
    ("path", "params"),
    [
        (USERS, {"select": "displayName,shoeSize"}),
        (USERS, {"orderby": "displayName"}),
        (USERS, {"expand": "manager"}),
        (USERS, {"skiptoken": "forged"}),
        ("directoryRoles", {"select": "displayName"}),
        (f"{ROLES}roleDefinitions", {"select": "isPrivileged"}),
        (f"{ROLES}roleAssignments", {"skiptoken": "forged"}),
    ],
)
async def test_what_the_service_does_not_accept_answers_400(sim, path, params):
    answer = await sim.graph(path, **params)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


@each(
    ("path", "enough"),
    [
        (USERS, "User.Read.All"),
        ("groups/delta", "Group.Read.All"),
        ("servicePrincipals/delta", "Application.Read.All"),
        ("devices/delta", "Device.Read.All"),
        ("directoryRoles", "RoleManagement.Read.Directory"),
        (f"{ROLES}roleDefinitions", "RoleManagement.Read.Directory"),
        (f"{ROLES}roleAssignments", "RoleManagement.Read.Directory"),
    ],
)
async def test_each_collection_asks_for_its_own_permission(make_sim, path, enough):
    without = await make_sim(**with_roles("AuditLog.Read.All")).graph(path)
    granted = await make_sim(**with_roles(enough)).graph(path)

    assert (without.status_code, without.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    assert granted.status_code == 200


async def test_directory_read_all_reads_everything_but_devices(make_sim):
    sim = make_sim(**with_roles("Directory.Read.All"))

    assert [(await sim.graph(path)).status_code for path in DELTAS] == [200, 200, 200, 403]


async def test_a_delta_token_that_is_unknown_of_another_tenant_or_too_old_answers_410_with_the_way_back(make_sim):
    sim = make_sim(pages={"deltatoken_lifetime_s": 60})
    _, link, _ = await walk(sim, await sim.graph(USERS))
    forged = await sim.graph(USERS, deltatoken="forged")
    stranger = await sim.get("graph", link, "fabrikam")
    another = await sim.get("graph", link.replace("users", "groups"))
    sim.clock.advance(61)
    late = await sim.get("graph", link)

    assert [item.status_code for item in (forged, stranger, another, late)] == [410] * 4
    assert late.json()["error"]["code"] == "syncStateNotFound"
    assert (await sim.get("graph", late.headers["Location"])).json()["value"]


async def test_the_fault_of_an_expired_delta_token_strikes_a_good_one(make_sim):
    sim = make_sim(faults={"expired_deltatoken_rate": 1, "max_per_kind": 1})
    _, link, _ = await walk(sim, await sim.graph(USERS))
    struck = await sim.get("graph", link)

    assert (struck.status_code, struck.json()["error"]["code"]) == (410, "resyncRequired")
    assert (await sim.get("graph", link)).status_code == 200


async def test_the_pages_of_a_first_reading_are_together_complete_and_top_is_ignored(make_sim):
    sim = make_sim(pages={"directory": 7})
    users, link, pages = await walk(sim, await sim.graph(USERS, top=3))
    everybody = (await sim.client.get("/_directory/contoso/users")).json()["value"]

    assert {item["id"] for item in users} == {item["id"] for item in everybody}
    assert len(users) == len(everybody) == 52
    assert pages == -(-52 // 7)
    assert "$deltatoken=" in link


async def test_select_shows_those_properties_the_id_and_none_that_was_never_set(sim):
    users, _, _ = await walk(sim, await sim.graph(USERS, select=SELECT))
    member = next(item for item in users if item["userType"] == "Member" and item["assignedLicenses"])
    guest = next(item for item in users if item["userType"] == "Guest")

    assert set(member) == {"id", *SELECT.split(",")}
    assert "department" not in guest


async def test_a_second_reading_shows_what_came_changed_and_went_and_the_third_nothing(sim):
    users, link, _ = await walk(sim, await sim.graph(USERS, select=SELECT))
    changed, removed = users[3]["id"], users[4]["id"]
    await alter(sim, id=changed, set={"displayName": "Renamed", "department": None, "jobTitle": "Untold"})
    await alter(sim, id=removed, remove=True)
    created = (await alter(sim, set={"displayName": "New"})).json()["id"]
    news, link, _ = await walk(sim, await sim.get("graph", link))
    nothing, _, _ = await walk(sim, await sim.get("graph", link))

    assert {item["id"]: item for item in news} == {
        changed: users[3] | {"displayName": "Renamed", "department": None},
        removed: {"id": removed, "@removed": {"reason": "changed"}},
        created: {"id": created, "displayName": "New"},
    }
    assert nothing == []


async def test_with_the_sparse_fault_a_change_holds_only_what_changed(make_sim):
    sim = make_sim(faults={"sparse_delta_rate": 1})
    users, link, _ = await walk(sim, await sim.graph(USERS))
    await alter(sim, id=users[0]["id"], set={"accountEnabled": False})
    news, _, _ = await walk(sim, await sim.get("graph", link))

    assert news == [{"id": users[0]["id"], "accountEnabled": False}]


async def test_what_changes_between_two_pages_is_told_in_time_or_by_the_next_reading(make_sim):
    sim = make_sim(pages={"directory": 10})
    first = await sim.graph(USERS)
    shown = first.json()["value"][0]["id"]
    await alter(sim, id=shown, set={"displayName": "Renamed"})
    created = (await alter(sim, set={"displayName": "New"})).json()["id"]
    _, link, _ = await walk(sim, first)
    news, _, _ = await walk(sim, await sim.get("graph", link))

    assert {item["id"]: item["displayName"] for item in news} == {shown: "Renamed", created: "New"}


async def test_ids_are_those_that_records_name(sim):
    directory = sim.world.tenants["contoso"].directory
    users, _, _ = await walk(sim, await sim.graph(USERS))
    apps, _, _ = await walk(sim, await sim.graph("servicePrincipals/delta"))
    devices, _, _ = await walk(sim, await sim.graph("devices/delta"))
    groups, _, _ = await walk(sim, await sim.graph("groups/delta"))

    assert {item.id for item in (*directory.people, *directory.guests)} <= {user["id"] for user in users}
    assert {(item.id, item.app_id) for item in (*directory.apps, *directory.identities)} <= {
        (app["id"], app["appId"]) for app in apps
    }
    assert {person.device.id for person in directory.people} <= {device["deviceId"] for device in devices}
    assert {group.id for group in directory.groups} == {group["id"] for group in groups}


async def test_every_administrator_and_one_group_hold_roles_that_are_defined(sim):
    directory = sim.world.tenants["contoso"].directory
    definitions, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleDefinitions", select="id,displayName,templateId"))
    held, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleAssignments", select="roleDefinitionId,principalId"))
    roles = (await sim.graph("directoryRoles")).json()["value"]
    principals = {item["principalId"] for item in held}
    (group,) = principals & {item.id for item in directory.groups}
    members = (await sim.graph(f"groups/{group}/transitiveMembers", select="id")).json()["value"]

    assert {admin.id for admin in directory.admins} <= principals
    assert {item["roleDefinitionId"] for item in held} <= {definition["id"] for definition in definitions}
    assert {role["roleTemplateId"] for role in roles} == {definition["templateId"] for definition in definitions}
    assert {member["id"] for member in members} < {person.id for person in directory.people}
    assert (await sim.graph("groups/nobody/transitiveMembers")).status_code == 404


async def test_a_role_that_a_story_gives_is_held_from_then_on(make_sim):
    sim = make_sim(stories=[], events=0)
    before, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleAssignments"))
    emitted = await sim.client.post("/_emit", json={"tenant": "contoso", "story": "role-and-mfa"})
    after, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleAssignments"))

    assert emitted.status_code == 201
    (news,) = [item for item in after if item not in before]
    assert news["roleDefinitionId"] == "62e90394-69f5-4237-9190-012177145e10"


async def test_what_the_history_says_of_the_directory_is_so_at_the_start(make_sim):
    sim = make_sim(events=3000)
    history = [
        record
        for record in (await sim.client.get("/_truth/fabrikam/graph-directory-audits")).text.splitlines()
        if '"Add service principal"' in record or '"Add member to role"' in record
    ]
    apps, _, _ = await walk(sim, await sim.graph("servicePrincipals/delta", "fabrikam"), "fabrikam")
    held, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleAssignments", "fabrikam"), "fabrikam")
    known = {app["id"] for app in apps} | {item["principalId"] for item in held}

    assert history
    assert all(any(item in record for item in known) for record in history)


async def test_requests_are_paced_by_their_cost(make_sim):
    sim = make_sim(throttle={"graph_directory_requests": 9})
    group = sim.world.tenants["contoso"].directory.groups[1].id
    statuses = [
        (await sim.graph(f"groups/{group}/transitiveMembers")).status_code,
        (await sim.graph(f"groups/{group}/transitiveMembers", select="id")).status_code,
        (await sim.graph(USERS)).status_code,
        (await sim.graph(USERS, "fabrikam")).status_code,
    ]

    assert statuses == [200, 200, 429, 200]


async def test_a_change_that_makes_no_sense_is_refused(sim):
    answers = [
        await alter(sim, tenant="nobody"),
        await alter(sim, id="never-there", remove=True),
        await alter(sim, collection="pets"),
        await sim.client.get("/_directory/contoso/pets"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 422, 404]


async def test_a_user_name_that_is_given_away_belongs_to_another_object_with_another_name(make_sim):
    sim = make_sim(stories=[], events=0)
    first, _, _ = await walk(sim, await sim.graph("users/delta"))
    for act in ("promoted", "first", "deleted", "created", "second"):
        answer = await sim.client.post("/_emit", json={"tenant": "contoso", "story": f"successor-{act}"})
        assert answer.status_code == 201
    users, _, _ = await walk(sim, await sim.graph("users/delta"))
    held, _, _ = await walk(sim, await sim.graph(f"{ROLES}roleAssignments"))

    (removed,) = [item for item in first if item["id"] not in {two["id"] for two in users}]
    (new,) = [user for user in users if user["id"] not in {two["id"] for two in first}]
    assert new["userPrincipalName"] == removed["userPrincipalName"]
    assert (new["displayName"], removed["displayName"] == new["displayName"]) == ("Robin Successor", False)
    assert removed["id"] not in {item["principalId"] for item in held}
