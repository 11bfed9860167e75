"""The notifications that Microsoft sends, and their bounds.

Sources: graph-docs, changenotificationcollection.md, changenotification.md, change-notifications-lifecycle-events.md;
office-365-management-activity-api-reference.md, "Receiving notifications".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from aoc_api.bodies import parse
from aoc_common.errors import Malformed

#: Levels of objects and arrays; genuine notifications have four.
_DEEPEST: Final = 12
_MOST: Final = 1000
#: Base64 characters of encrypted data: all of a body may be one.
_ENCRYPTED: Final = 1024 * 1024

Id = Annotated[str, Field(max_length=512)]
Text = Annotated[str, Field(max_length=2048)]


class _Sent(BaseModel):
    """What Microsoft sends: names in camel case, and unknown members."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class EncryptedContent(_Sent):
    """Resource data, as `content` decrypts it."""

    data: Annotated[str, Field(max_length=_ENCRYPTED)]
    data_signature: Id
    data_key: Annotated[str, Field(max_length=2048)]
    encryption_certificate_id: Annotated[str, Field(max_length=128)]


class ChangeNotification(_Sent):
    """One item of a batch: a change, or an event in the life of a subscription."""

    id: Id | None = None
    subscription_id: Annotated[str, Field(max_length=64)]
    client_state: Annotated[str, Field(max_length=255)] | None = None
    tenant_id: Annotated[str, Field(max_length=64)] | None = None
    change_type: Id | None = None
    resource: Text | None = None
    resource_data: dict[str, Any] = Field(default_factory=dict)
    subscription_expiration_date_time: Id | None = None
    lifecycle_event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"] | None = None
    encrypted_content: EncryptedContent | None = None


class Batch(_Sent):
    """The body of a Graph notification."""

    value: Annotated[list[ChangeNotification], Field(max_length=_MOST)]
    #: One for each pair of app and tenant; each is checked, so there are not many.
    validation_tokens: Annotated[list[Annotated[str, Field(max_length=16_384)]], Field(max_length=50)] = []


class ContentItem(_Sent):
    """A notification of the Management API about a content blob."""

    tenant_id: Annotated[str, Field(max_length=64)]
    content_type: Id
    content_id: Text


_CONTENT: Final = TypeAdapter(Annotated[list[ContentItem], Field(max_length=_MOST)])


def read_batch(body: bytes) -> Batch:
    """A Graph notification. Raises `Malformed`."""
    try:
        return Batch.model_validate(_decode(body))
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def read_content(body: bytes) -> list[ContentItem]:
    """A notification of the Management API. Raises `Malformed`."""
    try:
        return _CONTENT.validate_python(_decode(body))
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def read_validation_code(body: bytes) -> str:
    """The code in the Management API's validation request. Raises `Malformed`."""
    document = _decode(body)
    code = document.get("validationCode") if isinstance(document, Mapping) else None
    if not isinstance(code, str):
        raise Malformed("the body has no validationCode")
    return code


def _decode(body: bytes) -> Any:
    document = parse(body)
    level = [document]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return document
    raise Malformed(f"the body has more than {_DEEPEST} levels")


def _inside(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in inner if isinstance(each, dict | list)]


def _where(error: ValidationError) -> str:
    """What is wrong, without any of the content."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    location = ".".join(str(part) for part in first["loc"])
    return f"the body is no notification ({location[:100] or 'whole'}: {first['type']})"
