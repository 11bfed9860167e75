"""SharePoint and OneDrive in the unified log."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from types import FrameType

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
URL = "https://contoso.sharepoint.example/sites/Pay/Shared Documents/Offer%20draft.docx"


def event(operation="FileDownloaded", **more) -> Event:
    record = {
        "Id": "f-1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": operation,
        "RecordType": 6,
        "Workload": "OneDrive",
        "UserId": "dana@contoso.example",
        "ClientIP": "2001:db8::9",
        "ObjectId": URL,
        "SiteUrl": "https://contoso.sharepoint.example/sites/Pay",
        "SourceFileName": "Offer draft.docx",
        "UserAgent": "Mozilla/5.0",
        "CorrelationId": "c-1",
        "ItemType": "File",
    } | more
    made = normalise(orjson.dumps(record), RecordContext("contoso", "o365-sharepoint", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.mapper == "unified"
    return made


def test_a_download_says_who_took_which_file(ocsf_faults):
    made = event()

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"], made.service) == (6006, 2, "onedrive")
    assert (made.actor, made.ip, made.correlation_id) == ("dana@contoso.example", "2001:db8::9", "c-1")
    assert made.ocsf["file"] == {"name": "Offer draft.docx", "type_id": 0, "path": URL}
    assert made.ocsf["message"] == "dana@contoso.example downloaded file Offer draft.docx"
    assert made.ocsf["http_request"] == {"user_agent": "Mozilla/5.0"}
    assert {"offer", "docx", "dana", "6.2001:0db8:0000:0000:0000:0000:0000:0009"} <= set(made.terms)
    assert made.unmapped["ItemType"] == "File"


def test_a_workload_that_logs_no_status_logs_what_was_done():
    assert event().result == "success"
    assert event(ResultStatus="Failed").result == "failure"


@each(
    ("operation", "activity", "says"),
    [
        ("FileUploaded", 1, "uploaded file"),
        ("FileModifiedExtended", 3, "changed file"),
        ("FileRecycled", 4, "to the recycle bin"),
        ("AnonymousLinkCreated", 12, "made an anonymous link to"),
        ("SharingRevoked", 13, "stopped sharing"),
        ("FileSyncDownloadedFull", 15, "synchronised file"),
    ],
)
def test_each_operation_has_its_activity_and_words(operation, activity, says, ocsf_faults):
    made = event(operation)

    assert ocsf_faults(made) == []
    assert (made.class_uid, made.ocsf["activity_id"]) == (6006, activity)
    assert says in made.ocsf["message"]


@each(
    ("url", "name"),
    [
        (URL, "Offer draft.docx"),
        ("https://contoso.sharepoint.example/sites/Pay/", "Pay"),
        ("https://contoso.sharepoint.example", "https://contoso.sharepoint.example"),
        ("https://[broken/a", "https://[broken/a"),
        ("https://contoso.sharepoint.example/%FF%FE", "\ufffd\ufffd"),
    ],
)
def test_a_file_without_a_name_is_called_by_the_end_of_its_address(url, name, ocsf_faults):
    made = event(SourceFileName=None, ObjectId=url)

    assert ocsf_faults(made) == []
    assert made.ocsf["file"]["name"] == name


@each(("kind", "sort"), [("Member", "user"), ("SecurityGroup", "group"), (None, "user"), ([], "user")])
def test_whom_a_file_was_shared_with_is_a_target(kind, sort):
    made = event("SharingSet", TargetUserOrGroupName="Sam@contoso.example", TargetUserOrGroupType=kind)

    assert "sam@contoso.example" in [seen["value"] for seen in made.ocsf["observables"]]
    assert "sam" in made.terms
    assert event("Do it", TargetUserOrGroupName="x", TargetUserOrGroupType=kind).ocsf["resources"][1]["type"] == sort


def test_a_new_member_of_a_sharepoint_group_is_the_user_of_the_event(ocsf_faults):
    made = event("AddedToGroup", TargetUserOrGroupName="sam@contoso.example", TargetUserOrGroupType="Member")

    assert ocsf_faults(made) == []
    assert made.class_uid == 3006
    assert made.ocsf["user"]["email_addr"] == "sam@contoso.example"
    assert made.ocsf["message"] == "dana@contoso.example added sam@contoso.example to a SharePoint group"


@each("odd", [None, "", "<null>", [], {}, 7, True, [None], [[]], "https://["])
@each("field", ["ObjectId", "SiteUrl", "SourceFileName", "TargetUserOrGroupName", "UserId", "ClientIP", "Workload"])
def test_an_odd_field_costs_only_itself(field, odd, ocsf_faults):
    made = event(**{field: odd})

    assert ocsf_faults(made) == []
    assert made.operation == "FileDownloaded"
    assert "None" not in made.ocsf["message"]
    assert "downloaded file" in made.ocsf["message"]


def test_a_file_that_nothing_names_is_still_a_valid_event(ocsf_faults):
    made = event(ObjectId=None, SourceFileName=None, SiteUrl=None)

    assert ocsf_faults(made) == []
    assert made.ocsf["file"] == {"name": "Unknown", "type_id": 0}
    assert made.ocsf["message"] == "dana@contoso.example downloaded a file"


def test_a_name_with_control_or_direction_characters_cannot_write_lines_into_a_message(ocsf_faults):
    made = event(SourceFileName="a\nFailed: admin\u2028ran\x1b[31m\u202efdp.exe")

    assert ocsf_faults(made) == []
    assert made.ocsf["message"].isprintable()
    assert "fdp.exe" in made.ocsf["message"]


@pytest.mark.slow
def test_broken_xml_leaves_no_frames_for_the_garbage_collector():
    """An error of the parser that stays holds the frames of its callers, and with them a batch of events."""
    gc.collect()
    gc.disable()
    try:
        made = event(EventData="<Some name>x</Some name>")
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        frames = [item for item in gc.garbage if isinstance(item, FrameType)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert "x" in orjson.dumps(made.ocsf).decode()
    assert frames == []
