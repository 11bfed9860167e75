"""Whose owner, member, user or role somebody became, or no longer is; who acted when a service acted for a person."""

from __future__ import annotations

import pytest

from aoc_normalizer.fields import services
from each import each
from made_events import (
    APP,
    APP_ID,
    APP_OBJECT,
    KIM,
    KIM_ID,
    SAM,
    SAM_ID,
    application,
    audit,
    envelope,
    event_of,
    message,
    person,
    properties,
    unified,
)

THING_ID = "f0f0f0f0-6666-4666-8666-00000000000f"
PORTAL = ("Microsoft Office 365 Portal", "00000006-0000-0ff1-ce00-000000000000")
CASES = [
    ("Add owner to application.", "Application", "Ledger", "made {} an owner of application Ledger",
     "application", 3005),
    ("Remove owner from application.", "Application", "Ledger", "removed {} as an owner of application Ledger",
     "application", 3005),
    ("Add owner to service principal.", "ServicePrincipal", "Ledger", "made {} an owner of service principal Ledger",
     "service principal", 3005),
    ("Remove owner from service principal.", "ServicePrincipal", "Ledger",
     "removed {} as an owner of service principal Ledger", "service principal", 3005),
    ("Add registered owner to device.", "Device", "PC-7", "made {} an owner of device PC-7", "device", 3005),
    ("Add registered users to device.", "Device", "PC-7", "made {} a user of device PC-7", "device", 3005),
    ("Remove registered owner from device.", "Device", "PC-7", "removed {} as an owner of device PC-7", "device", 3005),
    ("Remove registered users from device.", "Device", "PC-7", "removed {} as a user of device PC-7", "device", 3005),
    ("Add owner to group.", "Group", "Finance", "made {} an owner of group Finance", "group", 3006),
    ("Remove owner from group.", "Group", "Finance", "removed {} as an owner of group Finance", "group", 3006),
    ("Add member to group.", "Group", "Finance", "added {} to group Finance", "group", 3006),
    ("Remove member from group.", "Group", "Finance", "removed {} from group Finance", "group", 3006),
    ("Add member to role.", "Role", "Helpdesk", "added {} to role Helpdesk", "role", 3005),
    ("Remove member from role.", "Role", "Helpdesk", "removed {} from role Helpdesk", "role", 3005),
    ("Add member to administrative unit.", "AdministrativeUnit", "Oslo", "added {} to administrative unit Oslo",
     "administrative unit", 3006),
]  # fmt: skip
MEMBERS = {
    SAM: person(SAM, SAM_ID),
    APP: application(),
    "All staff": [{"ID": f"Group_{SAM_ID}", "Type": 2}, {"ID": SAM_ID, "Type": 2}, {"ID": "Group", "Type": 2},
                  {"ID": "All staff", "Type": 1}],
}  # fmt: skip


@each("member", MEMBERS)
@each(("operation", "prefix", "name", "words", "kind", "class_uid"), CASES)
def test_a_unified_record_names_both_objects(operation, prefix, name, words, kind, class_uid, member, ocsf_faults):
    changed = properties("Remove" in operation, **{f"{prefix}__ObjectID": THING_ID, f"{prefix}__DisplayName": name})
    made = event_of(unified(operation, Actor=person(), Target=MEMBERS[member], ObjectId=SAM if member == SAM else "x",
                            ModifiedProperties=changed))  # fmt: skip

    assert made.ocsf["message"] == f"{KIM} {words.format(member)}"
    assert made.class_uid == class_uid
    observed = [one["value"] for one in made.ocsf["observables"] if one["name"] == "target"]
    assert observed == [member, name]
    if class_uid == 3006:
        assert made.ocsf["group"] == ({"name": name, "uid": THING_ID} if kind == "group" else made.ocsf["group"])
    else:
        assert {"name": name, "uid": THING_ID, "type": kind} in made.ocsf["resources"]
    assert ocsf_faults(made) == []


@each("listed", [True, False])
@each("turned", [True, False])
@each(("operation", "prefix", "name", "words", "kind", "class_uid"), CASES)
def test_a_record_of_graph_names_both_objects_in_any_order(
    operation, prefix, name, words, kind, class_uid, turned, listed
):
    removed = "Remove" in operation
    changed = [
        {"displayName": f"{prefix}.{what}", "oldValue": f'"{text}"' if removed else None,
         "newValue": None if removed else f'"{text}"'}
        for what, text in (("ObjectID", THING_ID), ("DisplayName", name))
    ]  # fmt: skip
    member = {"id": SAM_ID, "type": "User", "userPrincipalName": SAM, "modifiedProperties": changed}
    thing = {"id": THING_ID, "type": prefix, "displayName": None, "modifiedProperties": []}
    targets = [member, thing] if listed else [member]
    made = event_of(audit(operation.rstrip("."), *(reversed(targets) if turned else targets)))

    assert made.ocsf["message"] == f"Kim Vale {words.format(SAM)}"
    assert made.class_uid == class_uid


def test_both_lanes_tell_of_the_same_objects():
    changed = properties(Application__ObjectID=THING_ID, Application__DisplayName="Ledger")
    one = event_of(unified("Add owner to application.", Actor=person(), Target=person(SAM, SAM_ID),
                           ModifiedProperties=changed, InterSystemsId="c-1"))  # fmt: skip
    other = event_of(audit("Add owner to application", {"id": SAM_ID, "type": "User", "userPrincipalName": SAM},
                           {"id": THING_ID, "type": "Application", "displayName": None}))  # fmt: skip

    assert one.twin_facts is not None
    assert other.twin_facts is not None
    assert one.twin_facts.digest == other.twin_facts.digest


def test_a_role_that_the_lanes_call_by_two_ids_is_one_role_and_no_contradiction():
    changed = properties(Role__ObjectID=THING_ID, Role__DisplayName="Helpdesk")
    theirs = [{"displayName": one["Name"], "oldValue": "", "newValue": one["NewValue"]} for one in changed]
    one = event_of(
        unified("Add member to role.", Actor=person(), Target=person(SAM, SAM_ID), ModifiedProperties=changed)
    )
    other = event_of(audit("Add member to role",
                           {"id": SAM_ID, "type": "User", "userPrincipalName": SAM, "modifiedProperties": theirs},
                           {"id": APP_OBJECT, "type": "Role", "displayName": None}))  # fmt: skip

    assert [found["type"] for found in other.ocsf["resources"]] == ["user", "role"]
    assert one.twin_facts is not None
    assert other.twin_facts is not None
    assert one.twin_facts.digest == other.twin_facts.digest
    assert one.twin_facts.properties == other.twin_facts.properties


@pytest.mark.parametrize(
    ("operation", "removed", "words"),
    [
        ("Add app role assignment grant to user.", False, f"assigned {SAM} to application {APP}"),
        ("Remove app role assignment from user.", True, f"removed {SAM} from application {APP}"),
    ],
)
def test_an_application_is_assigned_to_a_person(operation, removed, words, ocsf_faults):
    changed = properties(removed, AppRole__Id="00000000-0000-0000-0000-000000000000", AppRole__Value="",
                         User__ObjectID=SAM_ID, User__UPN=SAM.upper(), User__PUID="1003")  # fmt: skip
    made = event_of(unified(operation, Actor=person(), Target=application(), ModifiedProperties=changed))

    assert made.ocsf["message"] == f"{KIM} {words}"
    assert made.ocsf["user"]["uid"] == SAM_ID
    assert made.ocsf["user"]["email_addr"] == SAM
    assert {"name": APP, "uid": APP_OBJECT, "type": "service principal"} in made.ocsf["resources"]
    assert ocsf_faults(made) == []


def test_an_application_is_assigned_to_a_group():
    changed = properties(Group__ObjectID=SAM_ID, Group__DisplayName="Finance")
    record = unified(
        "Add app role assignment to group.", Actor=person(), Target=application(), ModifiedProperties=changed
    )

    assert message(record) == f"{KIM} assigned group Finance to application {APP}"


@pytest.mark.parametrize("named", ["Badge Reader", ""])
def test_an_application_permission_is_granted_to_another_application(named):
    changed = properties(AppRole__Value="Mail.Read", ServicePrincipal__ObjectID=THING_ID,
                         ServicePrincipal__DisplayName=named)  # fmt: skip
    made = event_of(unified("Add app role assignment to service principal.", Actor=person(),
                            Target=application("Microsoft Graph"), ModifiedProperties=changed))  # fmt: skip

    assert made.ocsf["message"] == f"{KIM} granted application permission Mail.Read to {named or THING_ID}"


def test_delegated_permissions_name_who_got_which_of_what():
    changed = properties(DelegatedPermissionGrant__Scope=" Mail.Read offline_access",
                         ServicePrincipal__ObjectID=THING_ID, ServicePrincipal__DisplayName="Badge Reader")  # fmt: skip
    made = event_of(unified("Add delegated permission grant.", Actor=person(), Target=application("Microsoft Graph"),
                            ModifiedProperties=changed))  # fmt: skip

    assert made.ocsf["message"] == (
        f"{KIM} granted Badge Reader delegated permissions of Microsoft Graph, for Mail.Read and offline_access"
    )
    assert made.ocsf["privileges"] == ["Mail.Read", "offline_access"]


@each(
    ("operation", "words"),
    [
        ("Add member to group.", f"added {SAM} to a group"),
        ("Add owner to application.", f"made {SAM} an owner of an application"),
        ("Add member to role.", f"added {SAM} to a role"),
        ("Add registered owner to device.", f"made {SAM} an owner of a device"),
    ],
)
def test_an_object_that_nobody_names_is_called_by_its_kind(operation, words):
    assert message(unified(operation, Actor=person(), Target=person(SAM, SAM_ID))) == f"{KIM} {words}"


def test_a_group_alone_is_not_its_own_member():
    made = message(audit("Remove member from group", {"id": THING_ID, "type": "Group", "displayName": "Finance"}))

    assert made == "Kim Vale removed Finance from a group"


@each("odd", [None, "", [], {}, 7, "[[", [None], [{"Name": "Group.DisplayName"}], [{"Name": 7}]])
def test_odd_properties_name_nothing_and_break_nothing(odd):
    assert message(unified("Add member to group.", Actor=person(), Target=person(SAM, SAM_ID), ModifiedProperties=odd))


# Who acted


@pytest.mark.parametrize(
    "service",
    [PORTAL, ("Azure ESTS Service", "00000001-0000-0000-c000-000000000000"), ("Some portal of ours", APP_ID)],
)
def test_a_service_that_acts_for_a_person_is_the_application(service, ocsf_faults):
    made = event_of(unified("Consent to application.", Actor=person(through=service), Target=application(),
                            ModifiedProperties=properties(ConsentContext__IsAdminConsent="False")))  # fmt: skip

    assert made.actor == KIM
    assert made.ocsf["actor"]["user"]["uid"] == KIM_ID
    assert (made.ocsf["actor"]["app_name"], made.ocsf["actor"]["app_uid"]) == service
    assert made.ocsf["message"] == f"{KIM} consented to application {APP}"
    assert ocsf_faults(made) == []


def test_a_consent_tells_for_what():
    told = "[] => [[Id: x, ClientId: y, ConsentType: Principal, Scope:  Mail.Read User.Read, CreatedDateTime: ]]; "
    record = unified("Consent to application.", Actor=person(), Target=application(),
                     ModifiedProperties=properties(ConsentAction__Permissions=told))  # fmt: skip

    assert message(record) == f"{KIM} consented to application {APP}, for Mail.Read and User.Read"


def test_of_many_permissions_those_are_named_that_open_most():
    told = "[] => [[Scope: openid profile User.Read offline_access Mail.Read Mail.Send Files.Read.All]]; "
    record = unified("Consent to application.", Actor=person(), Target=application(),
                     ModifiedProperties=properties(ConsentAction__Permissions=told))  # fmt: skip

    assert message(record).endswith(", for Mail.Read, Mail.Send, Files.Read.All and 4 more")


def test_a_persons_own_name_among_the_ids_is_no_service():
    actor = [{"ID": "Kim Vale", "Type": 1}, {"ID": KIM, "Type": 5}, {"ID": f"User_{KIM_ID}", "Type": 2},
             {"ID": KIM_ID, "Type": 2}, {"ID": "User", "Type": 2}]  # fmt: skip
    made = event_of(unified("Delete user.", Actor=actor, Target=person(SAM, SAM_ID)))

    assert made.ocsf["message"] == f"Kim Vale deleted user {SAM}"
    assert "app_name" not in made.ocsf["actor"]


def test_the_id_of_a_portal_without_a_name_is_the_application():
    actor = [*person()[:2], {"ID": APP_ID, "Type": 2}, *person()[2:]]
    made = event_of(unified("Delete user.", Actor=actor, Target=person(SAM, SAM_ID)))

    assert (made.actor, made.ocsf["actor"]["user"]["uid"], made.ocsf["actor"]["app_uid"]) == (KIM, KIM_ID, APP_ID)


def test_a_service_that_acts_for_itself_is_the_actor():
    role = properties(Role__DisplayName="Helpdesk")
    made = event_of(unified("Add member to role.", UserId="Certificate", Actor=application("Sync"),
                            Target=person(SAM, SAM_ID), ModifiedProperties=role))  # fmt: skip

    assert (made.actor, made.ocsf["actor"]["user"]["type"], made.ocsf["actor"]["app_name"]) == (
        "sync",
        "Service",
        "Sync",
    )


@pytest.mark.parametrize("name", ["Microsoft App Access Panel", "Azure MFA StrongAuthenticationService"])
def test_a_service_in_the_place_of_a_persons_name_is_the_application(name):
    by = {"user": {"id": KIM_ID, "displayName": name, "userPrincipalName": KIM}}
    made = event_of(audit("Update user", {"id": SAM_ID, "type": "User", "userPrincipalName": SAM}, initiatedBy=by))

    assert (made.actor, made.ocsf["actor"]["app_name"]) == (KIM, name)
    assert made.ocsf["message"] == f"{KIM} changed user {SAM}"


@each("initiated", [{}, None, {"user": None, "app": None}])
@each(
    ("identity", "actor", "sort"),
    [
        ("Microsoft Azure AD Internal - Jit Provisioning", "microsoft azure ad internal - jit provisioning", "Service"),
        (KIM, KIM, "User"),
        ("Kim Vale", "kim vale", "User"),
    ],
)
def test_who_only_the_envelope_names_acted(initiated, identity, actor, sort, ocsf_faults):
    record = audit("Add service principal", {"id": APP_OBJECT, "type": "ServicePrincipal", "displayName": APP},
                   initiatedBy=initiated)  # fmt: skip
    made = event_of(envelope("AuditLogs", record, identity=identity))

    assert (made.actor, made.ocsf["actor"]["user"]["type"]) == (actor, sort)
    assert made.ocsf["message"] == f"{identity} created service principal {APP}"
    assert ocsf_faults(made) == []


def test_ids_in_the_place_of_an_envelopes_name_are_those_of_whoever_acted(ocsf_faults):
    identity = {"UPN": [{"Identity": KIM.upper()}], "ObjectID": [{"Identity": KIM_ID}], "Other": [], "TenantId": None,
                "ApplicationID": [{"Identity": APP_ID}]}  # fmt: skip
    record = envelope("Windows365AuditLogs", {"ApplicationName": "a"}, operationName="Create CloudPcUserSetting",
                      identity=identity)  # fmt: skip
    made = event_of(record)

    assert (made.actor, made.ocsf["actor"]["user"]["uid"]) == (KIM, KIM_ID)
    assert made.ocsf["message"] == f"{KIM} created a cloud PC user setting"
    assert ocsf_faults(made) == []


@each("identity", [{}, {"UPN": "x"}, {"UPN": [7]}, [], 7, "See ActorName", "<null>", None])
def test_an_envelope_that_names_nobody_names_nobody(identity):
    record = audit("Add service principal", {"id": APP_OBJECT, "type": "ServicePrincipal", "displayName": APP},
                   initiatedBy={})  # fmt: skip

    assert message(envelope("AuditLogs", record, identity=identity)) == f"Somebody created service principal {APP}"


def test_who_only_a_tables_row_names_acted():
    row = {"TimeGenerated": "2026-11-23T07:30:00Z", "Type": "AuditLogs", "Id": "g-1", "OperationName": "Add user",
           "ActivityDisplayName": "Add user", "ActivityDateTime": "2026-11-23T07:30:00Z", "InitiatedBy": "{}",
           "Identity": "Microsoft Teams Services", "ResultType": "Failure", "ResultDescription": "Too many.",
           "TargetResources": [{"id": SAM_ID, "type": "User", "userPrincipalName": SAM}]}  # fmt: skip
    made = event_of(row)

    assert (made.actor, made.result) == ("microsoft teams services", "failure")
    assert made.ocsf["message"] == f"Failed: Microsoft Teams Services created user {SAM}: Too many."


def test_who_the_record_names_is_trusted_before_the_envelope():
    made = event_of(envelope("AuditLogs", audit("Update user", {"id": SAM_ID, "type": "User"}), identity="Somebody"))

    assert made.actor == KIM


def test_people_are_no_services_by_their_names() -> None:
    assert not any(map(services.is_known, ["Kim Vale", "Mike Rosoft", "Azura Blue", "Officer Dibble", "", "App"]))
    assert services.is_known("Device Registration Service")


@pytest.mark.parametrize("words", ["added {} to group Finance", "removed {} from group Finance"])
def test_a_target_that_has_nothing_but_a_user_s_name_is_the_member_and_not_the_group(words: str) -> None:
    removed = words.startswith("removed")
    changed = properties(removed, Group__ObjectID=THING_ID, Group__DisplayName="Finance")
    operation = "Remove member from group." if removed else "Add member to group."
    record = unified(operation, Actor=person(), Target=[{"ID": SAM, "Type": 5}], ModifiedProperties=changed)

    assert message(record) == f"{KIM} {words.format(SAM)}"
