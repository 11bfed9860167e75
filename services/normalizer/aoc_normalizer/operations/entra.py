"""Entra ID: users, groups, roles, applications, the tenant's trust, sign-ins."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import CRITICAL, HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import (
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    OTHER,
    USER_ACCESS,
)
from aoc_normalizer.operations.base import Meaning


def _of_device(noun: str, role: str, article: str) -> dict[str, Meaning]:
    """`Add registered owner to device` and its reverse; of owners and of users."""
    return {
        f"add registered {noun} to device": Meaning(
            USER_ACCESS, 1, INFORMATIONAL, f"made {{user}} {article} {role} of device {{device}}",
            f"made {{target}} {article} {role} of a device",
        ),
        f"remove registered {noun} from device": Meaning(
            USER_ACCESS, 2, INFORMATIONAL, f"removed {{user}} as {article} {role} of device {{device}}",
            f"removed {{target}} as {article} {role} of a device",
        ),
    }  # fmt: skip


#: What the portal does with many at once -> its words, and how severe it is.
_IN_BULK: Final = {
    "bulk create users": ("creating users", LOW),
    "bulk invite users": ("inviting guests", LOW),
    "bulk delete users": ("deleting users", MEDIUM),
    "bulk restore deleted users": ("restoring users", LOW),
    "bulk import group members": ("adding group members", LOW),
    "bulk remove group members": ("removing group members", LOW),
    "download users": ("downloading the list of users", MEDIUM),
    "download groups": ("downloading the list of groups", LOW),
    "download group members": ("downloading the members of a group", LOW),
    "download devices": ("downloading the list of devices", LOW),
}
#: The operation of whoever gives himself all rights to Azure (azure-docs, elevate-access-global-admin.md).
_ELEVATED: Final = "elevated their access to user access administrator for their azure resources"
TABLE: Final[dict[str, Meaning]] = {
    f"user has {_ELEVATED}": Meaning(
        USER_ACCESS, 1, CRITICAL, "gave themselves User Access Administrator over all Azure resources"
    ),
    "the role assignment of user access administrator has been removed from the user": Meaning(
        USER_ACCESS, 2, MEDIUM, "gave up User Access Administrator over all Azure resources"
    ),
    **{
        f"{operation} {state} (bulk)": Meaning(ENTITY_MANAGEMENT, OTHER, severity, f"{state} {words} in bulk")
        for operation, (words, severity) in _IN_BULK.items()
        for state in ("started", "finished")
    },
    # Users
    "add user": Meaning(ACCOUNT_CHANGE, 1, LOW, "created user {target}"),
    "invite external user": Meaning(ACCOUNT_CHANGE, 1, LOW, "invited {target} as a guest"),
    "update user": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "changed user {target}"),
    "delete user": Meaning(ACCOUNT_CHANGE, 6, MEDIUM, "deleted user {target}"),
    "hard delete user": Meaning(ACCOUNT_CHANGE, 6, MEDIUM, "deleted user {target} for good"),
    "restore user": Meaning(ACCOUNT_CHANGE, 2, LOW, "restored user {target}"),
    "disable account": Meaning(ACCOUNT_CHANGE, 5, LOW, "disabled the account of {target}"),
    "enable account": Meaning(ACCOUNT_CHANGE, 2, LOW, "enabled the account of {target}"),
    "change user password": Meaning(ACCOUNT_CHANGE, 3, INFORMATIONAL, "changed the password of {target}"),
    "change password (self service)": Meaning(ACCOUNT_CHANGE, 3, INFORMATIONAL, "changed the password of {target}"),
    "reset user password": Meaning(ACCOUNT_CHANGE, 4, MEDIUM, "reset the password of {target}"),
    "reset password (self service)": Meaning(ACCOUNT_CHANGE, 4, LOW, "reset the password of {target}"),
    "reset password (by admin)": Meaning(ACCOUNT_CHANGE, 4, MEDIUM, "reset the password of {target}"),
    "set force change user password": Meaning(ACCOUNT_CHANGE, 3, LOW, "made {target} change the password"),
    "change user license": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "changed the licences of {target}"),
    "set license properties": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "set licence properties of {target}"),
    "user registered security info": Meaning(ACCOUNT_CHANGE, 10, LOW, "registered security info for {target}"),
    "user deleted security info": Meaning(ACCOUNT_CHANGE, 11, MEDIUM, "deleted security info of {target}"),
    "admin registered security info": Meaning(ACCOUNT_CHANGE, 10, MEDIUM, "registered security info for {target}"),
    "admin deleted security info": Meaning(ACCOUNT_CHANGE, 11, HIGH, "deleted security info of {target}"),
    "disable strong authentication": Meaning(ACCOUNT_CHANGE, 11, HIGH, "turned MFA off for {target}"),
    "enable strong authentication": Meaning(ACCOUNT_CHANGE, 10, LOW, "turned MFA on for {target}"),
    "update stsrefreshtokenvalidfrom timestamp": Meaning(
        ACCOUNT_CHANGE, OTHER, LOW, "revoked the sessions of {target}"
    ),
    # Groups
    "add group": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created group {target}"),
    "update group": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed group {target}"),
    "delete group": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted group {target}"),
    "hard delete group": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted group {target} for good"),
    "add member to group": Meaning(
        GROUP_MANAGEMENT, 3, LOW, "added {user} to group {group}", "added {target} to a group"
    ),
    "remove member from group": Meaning(
        GROUP_MANAGEMENT, 4, LOW, "removed {user} from group {group}", "removed {target} from a group"
    ),
    "add owner to group": Meaning(
        GROUP_MANAGEMENT, 1, LOW, "made {user} an owner of group {group}", "made {target} an owner of a group"
    ),
    "remove owner from group": Meaning(
        GROUP_MANAGEMENT,
        2,
        LOW,
        "removed {user} as an owner of group {group}",
        "removed {target} as an owner of a group",
    ),
    "add member to administrative unit": Meaning(
        GROUP_MANAGEMENT,
        3,
        LOW,
        "added {user} to administrative unit {administrative unit}",
        "added {target} to an administrative unit",
    ),
    "remove member from administrative unit": Meaning(
        GROUP_MANAGEMENT,
        4,
        LOW,
        "removed {user} from administrative unit {administrative unit}",
        "removed {target} from an administrative unit",
    ),
    # Roles
    "add member to role": Meaning(USER_ACCESS, 1, HIGH, "added {user} to role {role}", "added {target} to a role"),
    "add eligible member to role": Meaning(USER_ACCESS, 1, HIGH, "made {user} eligible for role {role}"),
    "add scoped member to role": Meaning(USER_ACCESS, 1, HIGH, "added {user} to role {role} for a scope"),
    "remove member from role": Meaning(
        USER_ACCESS, 2, MEDIUM, "removed {user} from role {role}", "removed {target} from a role"
    ),
    "remove scoped member from role": Meaning(
        USER_ACCESS,
        2,
        MEDIUM,
        "removed {user} from role {role} for a scope",
        "removed {target} from a role for a scope",
    ),
    "remove eligible member from role": Meaning(USER_ACCESS, 2, MEDIUM, "removed {user}'s eligibility for role {role}"),
    "add member to role completed (pim activation)": Meaning(USER_ACCESS, 1, MEDIUM, "activated role {role}"),
    "add app role assignment to service principal": Meaning(
        USER_ACCESS,
        1,
        HIGH,
        "granted application permission {permission} to {second}",
        "granted an application permission of {target}",
    ),
    "add app role assignment grant to user": Meaning(
        USER_ACCESS,
        1,
        LOW,
        "assigned {user} to application {service principal}",
        "assigned a user to application {target}",
    ),
    "remove app role assignment from user": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "removed {user} from application {service principal}",
        "removed a user from application {target}",
    ),
    "add app role assignment to group": Meaning(
        USER_ACCESS,
        1,
        LOW,
        "assigned group {group} to application {service principal}",
        "assigned a group to application {target}",
    ),
    "remove app role assignment from group": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "removed group {group} from application {service principal}",
        "removed a group from application {target}",
    ),
    "remove app role assignment from service principal": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "revoked application permission {permission} of {second}",
        "revoked an application permission of {target}",
    ),
    "add delegated permission grant": Meaning(
        USER_ACCESS,
        1,
        MEDIUM,
        "granted {second} delegated permissions of {target}",
        "granted delegated permissions of {target}",
    ),
    "consent to application": Meaning(USER_ACCESS, 1, HIGH, "consented to application {target}"),
    # Applications, devices, policies
    "add application": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created application {target}"),
    "update application": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed application {target}"),
    "update application certificates and secrets management": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the credentials of application {target}"
    ),
    "delete application": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted application {target}"),
    "add owner to application": Meaning(
        USER_ACCESS,
        1,
        MEDIUM,
        "made {user} an owner of application {application}",
        "made {target} an owner of an application",
    ),
    "remove owner from application": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "removed {user} as an owner of application {application}",
        "removed {target} as an owner of an application",
    ),
    "add service principal": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created service principal {target}"),
    "update service principal": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed service principal {target}"),
    "remove service principal": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted service principal {target}"),
    "add service principal credentials": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "added credentials to service principal {target}"
    ),
    "add device": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "added device {target}"),
    "update device": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed device {target}"),
    "delete device": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted device {target}"),
    "register device": Meaning(ENTITY_MANAGEMENT, 6, INFORMATIONAL, "registered device {target}"),
    "add conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 1, MEDIUM, "created conditional access policy {target}"
    ),
    "update conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed conditional access policy {target}"
    ),
    "delete conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 4, HIGH, "deleted conditional access policy {target}"
    ),
    "set company information": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed the company information"),
    "set domain authentication": Meaning(ENTITY_MANAGEMENT, 3, CRITICAL, "changed how domain {target} authenticates"),
    "recover device local administrator password": Meaning(
        ENTITY_MANAGEMENT, 2, HIGH, "read the local administrator password of {target}"
    ),
    # Sign-ins
    "userloggedin": Meaning(AUTHENTICATION, 1),
    "userloginfailed": Meaning(AUTHENTICATION, 1),
    "sign in activity": Meaning(AUTHENTICATION, 1),
    # Applications, consent and credentials
    "update application logo": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed the logo of application {target}"),
    "add password to application": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "added a secret to application {target}"),
    "add key to application": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "added a certificate to application {target}"),
    "remove service principal credentials": Meaning(
        ENTITY_MANAGEMENT, 3, MEDIUM, "removed credentials of service principal {target}"
    ),
    "remove delegated permission grant": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "revoked {second}'s delegated permissions of {target}",
        "revoked delegated permissions of {target}",
    ),
    "add owner to service principal": Meaning(
        USER_ACCESS,
        1,
        MEDIUM,
        "made {user} an owner of service principal {service principal}",
        "made {target} an owner of a service principal",
    ),
    "remove owner from service principal": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "removed {user} as an owner of service principal {service principal}",
        "removed {target} as an owner of a service principal",
    ),
    "disable service principal": Meaning(ENTITY_MANAGEMENT, 9, MEDIUM, "disabled service principal {target}"),
    "hard delete application": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted application {target} for good"),
    "restore application": Meaning(ENTITY_MANAGEMENT, 1, LOW, "restored application {target}"),
    "set verified publisher": Meaning(
        ENTITY_MANAGEMENT, 3, MEDIUM, "set the verified publisher of application {target}"
    ),
    # Privileged identity management
    "add eligible member to role in pim completed (permanent)": Meaning(
        USER_ACCESS, 1, HIGH, "made {user} eligible for role {role} for good"
    ),
    "add eligible member to role in pim completed (timebound)": Meaning(
        USER_ACCESS, 1, HIGH, "made {user} eligible for role {role} for a time"
    ),
    "add member to role in pim completed (permanent)": Meaning(
        USER_ACCESS, 1, HIGH, "added {user} to role {role} for good"
    ),
    "add member to role in pim completed (timebound)": Meaning(
        USER_ACCESS, 1, HIGH, "added {user} to role {role} for a time"
    ),
    "add member to role outside of pim (permanent)": Meaning(
        USER_ACCESS, 1, CRITICAL, "added {user} to role {role}, past privileged identity management"
    ),
    "add member to role requested (pim activation)": Meaning(USER_ACCESS, 1, LOW, "asked to activate role {role}"),
    "add member to role canceled (pim activation)": Meaning(USER_ACCESS, 2, LOW, "gave up activating role {role}"),
    "add member to role approval requested (pim activation)": Meaning(
        USER_ACCESS, 1, LOW, "asked for approval to activate role {role}"
    ),
    "add member to role request approved (pim activation)": Meaning(
        USER_ACCESS, 1, MEDIUM, "approved the activation of role {role}"
    ),
    "remove member from role (pim activation expired)": Meaning(
        USER_ACCESS, 2, INFORMATIONAL, "lost role {role}, whose activation ended"
    ),
    "remove eligible member from role in pim completed (permanent)": Meaning(
        USER_ACCESS, 2, MEDIUM, "removed {user}'s eligibility for role {role}"
    ),
    "remove permanent eligible role assignment": Meaning(
        USER_ACCESS, 2, MEDIUM, "removed {user}'s eligibility for role {role}"
    ),
    "update role setting in pim": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the activation rules of role {role}"),
    "update role definition": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed role definition {target}"),
    "add role definition": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created role definition {target}"),
    "add role assignment to role definition": Meaning(USER_ACCESS, 1, HIGH, "assigned role {role} to {user}"),
    # The tenant and its trust
    "add unverified domain": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "added domain {target}, not verified yet"),
    "add verified domain": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "added verified domain {target}"),
    "verify domain": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "verified domain {target}"),
    "remove verified domain": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "removed domain {target}"),
    "set federation settings on domain": Meaning(
        ENTITY_MANAGEMENT, 3, CRITICAL, "changed the federation settings of domain {target}"
    ),
    "set partnership": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the partnership with {target}"),
    "add partner to company": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "added partner {target}"),
    "set dirsyncenabled flag": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "turned directory synchronisation on or off"),
    "update authorization policy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the authorisation policy"),
    "update policy": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed policy {target}"),
    "add policy": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created policy {target}"),
    "delete policy": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted policy {target}"),
    "add named location": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created named location {target}"),
    "update named location": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed named location {target}"),
    "delete named location": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted named location {target}"),
    "update security defaults": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "turned the security defaults on or off"),
    "authentication methods policy update": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the authentication methods policy"
    ),
    "add a partner to cross tenant access setting": Meaning(
        ENTITY_MANAGEMENT, 1, HIGH, "added a partner to the cross-tenant access settings"
    ),
    "update a partner cross tenant access setting": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the cross-tenant access settings of a partner"
    ),
    # Security info, risk, guests
    "user registered all required security info": Meaning(
        ACCOUNT_CHANGE, 10, LOW, "registered all required security info"
    ),
    "user changed default security info": Meaning(ACCOUNT_CHANGE, OTHER, LOW, "changed the default security info"),
    "user started security info registration": Meaning(
        ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "began to register security info"
    ),
    "admin updated security info": Meaning(ACCOUNT_CHANGE, OTHER, MEDIUM, "changed security info of {target}"),
    "create temporary access pass": Meaning(ACCOUNT_CHANGE, 10, HIGH, "made a temporary access pass for {target}"),
    "fraud reported user is blocked for mfa": Meaning(
        ACCOUNT_CHANGE, 9, HIGH, "reported a sign-in as fraud, {target} is blocked for MFA"
    ),
    "fraud reported no action taken": Meaning(ACCOUNT_CHANGE, OTHER, HIGH, "reported a sign-in as fraud"),
    "admin confirmed user compromised": Meaning(ACCOUNT_CHANGE, OTHER, HIGH, "confirmed {target} as compromised"),
    "confirmuserscompromised": Meaning(ACCOUNT_CHANGE, OTHER, HIGH, "confirmed {target} as compromised"),
    "dismissusers": Meaning(ACCOUNT_CHANGE, OTHER, MEDIUM, "dismissed the risk of {target}"),
    "redeem external user invite": Meaning(ACCOUNT_CHANGE, 1, LOW, "accepted an invitation as a guest"),
    "convert federated user to managed": Meaning(ACCOUNT_CHANGE, OTHER, MEDIUM, "made {target} a cloud-managed user"),
    "delete group settings": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted group settings"),
    "set group license": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed the licences of group {target}"),
    # Devices
    **_of_device("owner", "owner", "an"),
    **_of_device("users", "user", "a"),
    "unregister device": Meaning(ENTITY_MANAGEMENT, 7, LOW, "unregistered device {target}"),
    "disable device": Meaning(ENTITY_MANAGEMENT, 9, LOW, "disabled device {target}"),
    "device no longer compliant": Meaning(ENTITY_MANAGEMENT, 3, LOW, "found device {target} no longer compliant"),
    "read bitlocker key": Meaning(ENTITY_MANAGEMENT, 2, HIGH, "read the BitLocker key of {target}"),
    # Access reviews and entitlements
    "user requests access package assignment": Meaning(USER_ACCESS, 1, LOW, "asked for access package {target}"),
    "approve access package assignment request": Meaning(USER_ACCESS, 1, LOW, "approved access package {target}"),
    "added policy": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created policy {target}"),
    "update authentication methods policy": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the authentication methods policy"
    ),
    "update passwordprofile": Meaning(ACCOUNT_CHANGE, 3, INFORMATIONAL, "changed the password profile of {target}"),
    "remove unverified domain": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "removed domain {target}, never verified"),
    "create company": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created tenant {target}"),
    "set directory feature on tenant": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed a directory feature of {target}"),
    "deny decision": Meaning(USER_ACCESS, 2, LOW, "denied access in a review of {target}"),
    "approve decision": Meaning(USER_ACCESS, 1, INFORMATIONAL, "approved access in a review of {target}"),
}
