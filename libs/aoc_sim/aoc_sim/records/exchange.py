"""Unified audit: Exchange cmdlets (record type 1), mailbox items (2, 3) and MailItemsAccessed (50)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from aoc_sim.records.base import named, ual, ual_time
from aoc_sim.vocabulary import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_sim.inventory import Person
    from aoc_sim.records.base import Builder, Json, Scene

_SYSTEM = "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)"
_SYSTEM_OTHER = "NT AUTHORITY\\SYSTEM (w3wp)"


def with_port(scene: Scene) -> str:
    """The address with a port, as cmdlet records have it; IPv6 in brackets."""
    port = scene.rng.randrange(1024, 65536)
    return f"[{scene.ip}]:{port}" if ":" in scene.ip else f"{scene.ip}:{port}"


def cmdlet(
    scene: Scene,
    operation: str,
    object_id: str,
    parameters: Sequence[tuple[str, str]],
    *,
    result: str = "True",
) -> Json:
    """A cmdlet that a person ran, or a mailbox owner through Outlook."""
    who = scene.who
    record = ual(
        scene,
        operation,
        1,
        "Exchange",
        user_type=2 if who.admin else 0,
        result=result,
        ip=with_port(scene),
        object_id=object_id,
    )
    record |= {
        "AppId": "" if scene.rng.random() < 0.5 else "00000002-0000-0ff1-ce00-000000000000",
        "ClientAppId": "",
        "ExternalAccess": False,
        "OrganizationName": scene.tenant.domain,
        "OriginatingServer": f"{_server(scene)} (15.20.4200.018)",
        "Parameters": named(list(parameters)),
        "SessionId": scene.guid(),
    }
    return record


def service_cmdlet(scene: Scene) -> Json:
    """A cmdlet that Microsoft's own service ran: external access, no address, two spellings of the name."""
    operation = scene.rng.choice(
        ("Set-MailboxPlan", "Set-TransportConfig", "Install-ResourceConfig", "Set-OwaMailboxPolicy", "Set-User")
    )
    system = scene.rng.choice((_SYSTEM, _SYSTEM, _SYSTEM_OTHER))
    record = ual(
        scene,
        operation,
        1,
        "Exchange",
        user_id=system,
        user_key=system,
        user_type=3,
        result="True",
        object_id=scene.tenant.domain,
    )
    record |= {
        "AppId": "",
        "ClientAppId": "",
        "ExternalAccess": True,
        "OrganizationName": scene.tenant.domain,
        "OriginatingServer": f"{_server(scene)} (15.20.4200.032)",
        "Parameters": named([("DomainController", ""), ("Identity", f"org/{scene.tenant.domain}/Default")]),
    }
    return record


def set_mailbox(scene: Scene) -> Json:
    """`Set-Mailbox` of an everyday kind."""
    person = scene.other()
    return cmdlet(scene, "Set-Mailbox", person.alias, [("Identity", person.alias), ("Languages", "nl-NL,en-GB")])


def add_permission(scene: Scene) -> Json:
    """`Add-MailboxPermission`: a shared mailbox for somebody."""
    person = scene.other()
    return cmdlet(
        scene,
        "Add-MailboxPermission",
        "invoices",
        [("Identity", "invoices"), ("User", person.upn), ("AccessRights", "FullAccess")],
    )


def inbox_rule(scene: Scene) -> Json:
    """`New-InboxRule` that files newsletters; the object is mailbox and rule, with a backslash between."""
    return cmdlet(
        scene,
        "New-InboxRule",
        f"{scene.who.alias}\\Newsletters",
        [("Name", "Newsletters"), ("SubjectContainsWords", "digest"), ("MoveToFolder", "Reading")],
    )


def transport_rule(scene: Scene) -> Json:
    """`Set-TransportRule`, once with a partial result."""
    return cmdlet(
        scene,
        "Set-TransportRule",
        "Add disclaimer",
        [("Identity", "Add disclaimer"), ("Priority", "2")],
        result="True" if scene.rng.random() < 0.8 else "PartiallySucceeded",
    )


def item(scene: Scene, operation: str, record_type: int, owner: Person | None = None) -> Json:
    """The head that all mailbox records share."""
    owner = owner or scene.who
    delegated = owner is not scene.who
    record = ual(scene, operation, record_type, "Exchange", result="Succeeded", ip=scene.ip)
    record |= {
        "AppId": "00000002-0000-0ff1-ce00-000000000000",
        "ClientIPAddress": scene.ip,
        "ClientInfoString": f"Client=OWA;{scene.device.user_agent};",
        "ExternalAccess": False,
        "InternalLogonType": 0,
        "LogonType": 2 if delegated else 0,
        "LogonUserSid": scene.who.sid,
        "MailboxGuid": owner.mailbox,
        "MailboxOwnerSid": owner.sid,
        "MailboxOwnerUPN": owner.upn,
        "OrganizationName": scene.tenant.domain,
        # a line break at the end, as the service writes it
        "OriginatingServer": f"{_server(scene)} (15.20.4200.019)\r\n",
        "SessionId": scene.guid(),
    }
    return record


def _server(scene: Scene) -> str:
    return f"{scene.tenant.server}{scene.rng.randrange(1000, 9999)}"


def _item_id(scene: Scene) -> str:
    return "RgAAAAD" + b64encode(scene.rng.randbytes(48)).decode()


def _message_id(scene: Scene) -> str:
    server = _server(scene)
    return f"<{server}{scene.rng.getrandbits(112):028X}@{server}.prod.mail.example>"


def _folder(scene: Scene, path: str) -> Json:
    return {"Id": "LgAAAAD" + b64encode(scene.rng.randbytes(33)).decode(), "Path": path}


def send(scene: Scene, subject: str | None = None) -> Json:
    """`Send`: the item's id is the word Unknown."""
    record = item(scene, "Send", 2)
    record["Item"] = {
        "Id": "Unknown",
        "InternetMessageId": _message_id(scene),
        "Subject": subject or scene.rng.choice(SUBJECTS),
        "SizeInBytes": scene.rng.randrange(2_000, 900_000),
    }
    return record


def send_as(scene: Scene) -> Json:
    """`SendAs` another mailbox."""
    record = item(scene, "SendAs", 2, scene.other())
    record["Item"] = {"InternetMessageId": _message_id(scene), "Subject": scene.rng.choice(SUBJECTS)}
    record["SendAsUserSmtp"] = record["MailboxOwnerUPN"]
    return record


def create(scene: Scene) -> Json:
    """`Create` by the system in a group mailbox: the address is ::1, the user a SID."""
    record = item(scene, "Create", 2)
    record |= {"UserId": "S-1-5-18", "UserKey": "S-1-5-18", "ClientIP": "::1", "ClientIPAddress": "::1"}
    record |= {"ClientInfoString": "Client=WebServices;Action=ConfigureGroupMailbox", "ExternalAccess": True}
    record["Item"] = {
        "Attachments": "agenda.pdf (18231b); logo.png (2204b)",
        "Id": _item_id(scene),
        "InternetMessageId": _message_id(scene),
        "IsRecord": False,
        "ParentFolder": _folder(scene, "\\Inbox"),
        "Subject": scene.rng.choice(SUBJECTS),
    }
    return record


def update(scene: Scene) -> Json:
    """`Update`: ModifiedProperties is a list of bare strings."""
    record = item(scene, "Update", 2)
    record["Item"] = {"Id": _item_id(scene), "ParentFolder": _folder(scene, "\\Calendar"), "Subject": "Stand-up"}
    record["ModifiedProperties"] = ["RecipientCollection", "AllAttachmentsHidden"]
    return record


def update_inbox_rules(scene: Scene) -> Json:
    """`UpdateInboxRules`: a rule changed in Outlook itself."""
    record = item(scene, "UpdateInboxRules", 2)
    del record["AppId"]
    record["ClientInfoString"] = "Client=MSExchangeRPC"
    record["AppAccessContext"] = {"AADSessionId": scene.guid(), "UniqueTokenId": ""}
    record["ClientRequestId"] = f"{{{scene.guid().upper()}}}"
    record["ClientProcessName"] = "OUTLOOK.EXE"
    record["ClientVersion"] = "16.0.18129.20158"
    record["OperationProperties"] = named([("RuleOperation", "ModifyMailboxRule"), ("RuleName", "Newsletters")])
    record["Item"] = {"Id": _item_id(scene), "ParentFolder": _folder(scene, "\\Inbox")}
    return record


def delete(scene: Scene) -> Json:
    """`SoftDelete`, `HardDelete` or `MoveToDeletedItems`: several items."""
    record = item(scene, scene.rng.choice(("SoftDelete", "HardDelete", "MoveToDeletedItems")), 3)
    record["AffectedItems"] = [
        {
            "Id": _item_id(scene),
            "InternetMessageId": _message_id(scene),
            "ParentFolder": _folder(scene, "\\Inbox"),
            "Subject": scene.rng.choice(SUBJECTS),
        }
        for _ in range(scene.rng.randrange(1, 4))
    ]
    record["CrossMailboxOperation"] = False
    record["Folder"] = _folder(scene, "\\Inbox")
    if record["Operation"] == "MoveToDeletedItems":
        record["DestFolder"] = _folder(scene, "\\Deleted Items")
    return record


def accessed(scene: Scene) -> Json:
    """`MailItemsAccessed`: the most frequent mailbox record; a number can be a string and a flag too."""
    rng = scene.rng
    record = item(scene, "MailItemsAccessed", 50)
    del record["ClientIP"]
    sync = rng.random() < 0.3
    record["AppAccessContext"] = {
        "AADSessionId": scene.guid(),
        "IssuedAtTime": ual_time(scene.at),
        "UniqueTokenId": b64encode(rng.randbytes(16)).decode()[:22],
    }
    record["ClientInfoString"] = "Client=Outlook;Protocol=HxCore" if sync else "Client=OWA;Action=ViaProxy"
    if rng.random() < 0.1:
        record["ExternalAccess"] = "False"
    kind = [("MailAccessType", "Sync" if sync else "Bind")]
    record["OperationProperties"] = named([*kind, ("IsThrottled", "False")] if rng.random() < 0.5 else kind)
    if sync:
        record["Item"] = {"Id": _item_id(scene), "ParentFolder": _folder(scene, "\\Inbox") | {"Name": "Inbox"}}
    else:
        count = rng.randrange(1, 4)
        items = [
            {"Id": _item_id(scene), "InternetMessageId": _message_id(scene), "SizeInBytes": rng.randrange(3000, 90000)}
            for _ in range(count)
        ]
        record["Folders"] = [{"FolderItems": items} | _folder(scene, "\\Inbox")]
        record["OperationCount"] = count
    return record


def mailbox_login(scene: Scene) -> Json:
    """`MailboxLogin` through an old protocol; the address is localhost with a port."""
    record = item(scene, "MailboxLogin", 2)
    record |= {"ClientInfoString": "Client=POP3/IMAP4;Protocol=IMAP4", "ClientIP": "localhost:12345"}
    record["LogonType"] = str(record["LogonType"])
    return record


BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (55, accessed, False),
    (18, send, False),
    (2, send_as, False),
    (5, create, False),
    (6, update, False),
    (1, update_inbox_rules, False),
    (10, delete, False),
    (1, mailbox_login, False),
    (4, service_cmdlet, True),
    (1.5, set_mailbox, True),
    (0.7, add_permission, True),
    (0.8, inbox_rule, False),
    (0.3, transport_rule, True),
)
