"""Who holds which roles."""

from __future__ import annotations

from aoc_common.contracts.built_in_roles import PRIVILEGED
from aoc_common.store.directories import HeldRoles
from directory_answers import DELTA, GRAPH, answers, page, refusal

GLOBAL_ADMIN = "62e90394-69f5-4237-9190-012177145e10"
REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"


def roles_of(*assignments, definitions=None, members=None, directory_roles=()):
    known = definitions or [
        {"id": GLOBAL_ADMIN, "displayName": "Global Administrator", "templateId": GLOBAL_ADMIN},
        {"id": REPORTS_READER, "displayName": "Reports Reader", "templateId": REPORTS_READER},
        {"id": "custom-1", "displayName": "Our own", "templateId": "custom-1"},
    ]
    root = f"{GRAPH}/v1.0/roleManagement/directory"
    given = [{"principalId": principal, "roleDefinitionId": role} for principal, role in assignments]
    return answers(
        (f"{root}/roleDefinitions", page(*known)),
        (f"{root}/roleAssignments", page(*given)),
        (f"{GRAPH}/v1.0/directoryRoles", page(*directory_roles)),
        (f"{GRAPH}/v1.0/groups/g/transitiveMembers", members or page({"id": "IN-1"}, {"id": "in-2"})),
        (f"{GRAPH}/v1.0/groups/delta", page({"id": "g", "displayName": "Admins"}, delta=DELTA)),
    )


async def test_who_holds_which_roles_is_told_by_name_and_whether_one_is_privileged(keep, microsoft, store):
    microsoft.respond = roles_of(
        ("Ann", REPORTS_READER), ("Ann", GLOBAL_ADMIN.upper()), ("ben", "custom-1"), ("cy", REPORTS_READER)
    )
    await keep("role")

    assert store.held["contoso"] == {
        "ann": HeldRoles(("Global Administrator", "Reports Reader"), privileged=True),
        "ben": HeldRoles(("Our own",), privileged=False),
        "cy": HeldRoles(("Reports Reader",), privileged=False),
    }


async def test_members_of_a_group_hold_the_roles_of_the_group(keep, microsoft, store):
    microsoft.respond = roles_of(("g", GLOBAL_ADMIN), ("in-1", REPORTS_READER))
    await keep("group", "role")

    assert {one: held.roles for one, held in store.held["contoso"].items()} == {
        "g": ("Global Administrator",),
        "in-1": ("Global Administrator", "Reports Reader"),
        "in-2": ("Global Administrator",),
    }


async def test_a_group_that_is_gone_by_then_has_no_members(keep, microsoft, store):
    microsoft.respond = roles_of(("g", GLOBAL_ADMIN), members=refusal(404, "Request_ResourceNotFound"))
    await keep("group", "role")

    assert set(store.held["contoso"]) == {"g"}


async def test_a_role_is_found_by_its_definition_its_template_and_its_directory_role(keep, microsoft, store):
    microsoft.respond = roles_of(directory_roles=[{"id": "instance-1", "roleTemplateId": GLOBAL_ADMIN.upper()}])
    await keep("role")

    assert store.facts(GLOBAL_ADMIN)["aliases"] == (GLOBAL_ADMIN, "instance-1")
    assert store.facts("custom-1") == {"name": "Our own", "aliases": ("custom-1",)}


async def test_a_role_that_is_deleted_disappears(keep, microsoft, store):
    microsoft.respond = roles_of()
    await keep("role")
    microsoft.respond = roles_of(definitions=[{"id": GLOBAL_ADMIN, "displayName": "Global Administrator"}])
    await keep("role")

    assert store.ids() == {GLOBAL_ADMIN}


async def test_lists_that_are_not_complete_change_no_roles(keep, microsoft, store):
    microsoft.respond = roles_of(("ann", GLOBAL_ADMIN))
    await keep("role")
    complete = microsoft.respond
    microsoft.respond = lambda request: refusal(403) if "Assignments" in str(request.url) else complete(request)
    await keep("role")

    assert set(store.held["contoso"]) == {"ann"}
    assert "403" in (await store.state("contoso", "role")).last_error


def test_privileged_roles_are_known_by_guids_and_each_once():
    assert all(len(template_id) == 36 and template_id == template_id.lower() for template_id in PRIVILEGED)
    assert len(set(PRIVILEGED.values())) == len(PRIVILEGED)


async def test_a_role_whose_name_no_utf8_can_hold_keeps_no_other_from_being_known(keep, microsoft, store):
    respond = roles_of(("ann", GLOBAL_ADMIN), ("ben", "custom-1"))
    odd = page(raw=rb'[{"id":"custom-1","displayName":"Ours\ud800"},{"id":"%s"}]' % GLOBAL_ADMIN.encode())
    microsoft.respond = lambda request: odd if "roleDefinitions" in str(request.url) else respond(request)
    await keep("role")

    assert {one: (held.roles, held.privileged) for one, held in store.held["contoso"].items()} == {
        "ann": ((GLOBAL_ADMIN,), True),
        "ben": (("Ours?",), False),
    }
