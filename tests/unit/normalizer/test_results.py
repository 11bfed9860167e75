"""Whether something succeeded: by the operation and its error number before any status word."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from aoc_common.contracts.event import Event
from aoc_normalizer.fields import signin_errors
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
STATUS_IDS = {"success": 1, "failure": 2, "partial": 99, "unknown": 0}


def event(operation, workload="AzureActiveDirectory", **more) -> Event:
    record = {
        "Id": "x-1",
        "CreationTime": "2026-11-23T07:30:00",
        "Operation": operation,
        "RecordType": 15,
        "Workload": workload,
        "UserId": "kim@contoso.example",
        "ClientIP": "203.0.113.9",
        "ObjectId": "r-1",
    } | more
    made = normalise(orjson.dumps(record), RecordContext("contoso", "o365-azuread", NOW))
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    assert made.ocsf["status_id"] == STATUS_IDS[made.result]
    return made


@each("status", ["Success", "Succeeded", "True", "Failed", "", None, [], 0])
@each("number", ["50126", 50126, "0", None, [], "x", "50140"])
def test_a_failed_sign_in_is_a_failure_whatever_its_status_or_number_says(status, number, ocsf_faults):
    made = event("UserLoginFailed", ResultStatus=status, ErrorNumber=number)

    assert ocsf_faults(made) == []
    assert (made.result, made.class_uid, made.ocsf["severity_id"]) == ("failure", 3002, 2)
    assert " failed: " in made.ocsf["message"]


def test_the_reason_of_a_failed_sign_in_is_the_number_in_words():
    made = event("UserLoginFailed", ResultStatus="Success", ErrorNumber="50126", LogonError="InvalidUserNameOrPassword")

    assert (made.ocsf["status_code"], made.ocsf["status_detail"]) == ("50126", "wrong password")
    assert made.ocsf["message"] == ("Sign-in of kim@contoso.example from 203.0.113.9 failed: wrong password (50126)")


def test_without_a_number_that_we_know_the_reason_is_microsofts_word():
    made = event("UserLoginFailed", ErrorNumber="999999", LogonError="StrangeError")

    assert made.ocsf["message"].endswith("failed: StrangeError (999999)")
    assert event("UserLoginFailed").ocsf["message"].endswith("failed: no reason given")


@each("number", ["0", 0, None, "", [], "50140", 50140])
def test_a_sign_in_that_went_on_is_a_success(number):
    assert event("UserLoggedIn", ResultStatus="Success", ErrorNumber=number).result == "success"


def test_an_interrupted_sign_in_says_by_what():
    made = event("UserLoggedIn", ErrorNumber="50140")

    assert made.ocsf["message"] == (
        "Sign-in of kim@contoso.example from 203.0.113.9 went on: asked to stay signed in (50140)"
    )


def test_a_sign_in_with_an_error_number_failed_also_where_the_operation_sounds_well():
    assert event("UserLoggedIn", ResultStatus="Success", ErrorNumber="53003").result == "failure"


@each(
    ("status", "result"),
    [
        ("True", "success"),
        (True, "success"),
        ("Success", "success"),
        ("Succeeded", "success"),
        ("Successful", "success"),
        ("PartiallySucceeded", "partial"),
        ("PartialSuccess", "partial"),
        ("False", "failure"),
        (False, "failure"),
        ("Failed", "failure"),
        ("Failure", "failure"),
        ("InProgress", "unknown"),
        ("Strange", "unknown"),
    ],
)
def test_a_change_is_judged_by_the_words_that_workloads_use(status, result, ocsf_faults):
    made = event("Set-Mailbox", "Exchange", RecordType=1, ResultStatus=status)

    assert ocsf_faults(made) == []
    assert made.result == result


@each("absent", [None, "", "<null>", [], {}])
def test_a_workload_without_status_logs_what_was_done(absent):
    assert event("FileDownloaded", "SharePoint", ResultStatus=absent).result == "success"


def test_a_failed_change_reads_as_one():
    done, failed = (
        event("Add member to role.", RecordType=8, ResultStatus=word).ocsf["message"] for word in ("Success", "Failure")
    )

    assert done != failed
    assert done in failed or done.partition(" ")[2] in failed
    assert "ailed" in failed or "vain" in failed


@each(
    ("word", "result"),
    [
        ("SUCCESS", "success"),
        ("0", "success"),
        ("1", "success"),
        ("204", "success"),
        ("302", "success"),
        ("400", "failure"),
        ("503", "failure"),
        ("600", "unknown"),
        ("2000", "unknown"),
        ("50126", "unknown"),
        ("partially", "partial"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_word_says_success_failure_partial_or_nothing(word, result):
    assert of_word(word) == result


def test_every_interruption_that_can_be_named_is_named_and_no_success_has_words():
    assert signin_errors.words(0) is None
    assert signin_errors.words(50126) == "wrong password"
    assert 50126 not in signin_errors.INTERRUPTS
    assert {0, 50140} <= signin_errors.INTERRUPTS
