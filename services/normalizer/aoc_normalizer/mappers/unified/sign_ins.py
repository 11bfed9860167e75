"""Sign-ins in the unified log (record type 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import LOW, Draft, Party
from aoc_normalizer.fields import addresses, signin_errors, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import signin_details
from aoc_normalizer.mappers.entities import acting
from aoc_normalizer.render.sentences import sign_in

if TYPE_CHECKING:
    from aoc_common.contracts.results import Result
    from aoc_normalizer.mappers.base import Record

#: Graph's names for a device's properties, and those of the unified log.
_DEVICE: Final = {
    "displayName": "displayname",
    "deviceId": "id",
    "operatingSystem": "os",
    "browser": "browsertype",
    "isCompliant": "iscompliant",
    "isManaged": "iscompliantandmanaged",
    "trustType": "trusttype",
}
_FAILED: Final = "userloginfailed"
#: `ResultStatusDetail` of a sign-in that a person's input ended.
_OF_USER: Final = "UserError"


def fill(record: Record, draft: Draft) -> None:
    """Who signed in to what, from which device, and how it ended."""
    draft.used |= {"ErrorNumber", "LogonError", "ActorIpAddress"}
    # Of a sign-in the client's address is the person's; a service in between stands in `ActorIpAddress`.
    draft.address = addresses.parse(record.get("ClientIP")) or addresses.parse(record.get("ActorIpAddress"))
    code = signin_errors.number(values.text(record.get("ErrorNumber")))
    draft.result = outcome(record, draft.operation)
    if draft.result == "failure":
        draft.severity = LOW
    if code:
        draft.status_code = str(code)
    draft.status_detail = signin_errors.words(code) or values.text(record.get("LogonError"))
    own, found = draft.actor, acting(record.get("Actor")).who
    draft.actor = Party(found.name or own.name, found.upn or own.upn, found.uid or own.uid, "user", own.user_type)
    resource = values.text(record.get("ObjectId")) or values.first(
        values.mapping((values.sequence(record.get("Target")) or [{}])[0]), "ID"
    )
    draft.targets = (
        [Party(uid=resource, name=values.text(record.get("ApplicationDisplayName")), kind="service")]
        if resource
        else []
    )
    listed = {name.casefold(): value for name, value in values.pairs(record.get("DeviceProperties"))}
    if listed:
        draft.used.add("DeviceProperties")
        signin_details.device({name: listed.get(theirs) for name, theirs in _DEVICE.items()}, draft)
    draft.sentence = sign_in


def outcome(record: Record, operation: str) -> Result:
    """How a sign-in ended, the most trusted first: the operation, the error number, the error's name, two status words.

    `UserLoginFailed` says "Success" in two records of three (145 of 216); `UserLoggedIn` can carry an error. Where
    nothing but the status words is left and they contradict each other, nobody knows.
    """
    if operation.casefold() == _FAILED:
        return "failure"
    number = values.text(record.get("ErrorNumber"))
    if number is not None and number.isascii() and number.isdigit():
        return "success" if int(number) in signin_errors.INTERRUPTS else "failure"
    if (error := values.text(record.get("LogonError"))) is not None:
        return "success" if signin_errors.is_interrupt(error) else "failure"
    detail = values.pair(record.get("ExtendedProperties"), "resultstatusdetail")
    words = {of_word(word) for word in (detail, values.text(record.get("ResultStatus"))) if word} - {"unknown"}
    if words == {"failure"} or detail == _OF_USER:
        return "failure"
    return "success" if words <= {"success"} else "unknown"
