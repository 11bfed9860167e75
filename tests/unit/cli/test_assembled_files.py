"""Files as people put them together, print them and cut them."""

from __future__ import annotations

import csv
import io
import json

import pytest

from aoc_cli.importing import prose
from aoc_cli.importing.items import Unreadable
from exports import HEADER, A, B, audit, row, table

SIGN_INS = "Date (UTC),Request ID,Correlation ID,User,Username,Application,Application ID,IP address,Status"
SIGN_INS_OF_GRAPH = "CreatedDateTime,Id,UserPrincipalName,AppDisplayName,IPAddress,Status"
SIGN_IN = "2026-11-20T10:00:00Z,r-1,c-1,Dana,dana@contoso.example,Graph,g,203.0.113.9,Success"
LATER = SIGN_IN.replace("r-1", "r-2")


class TestOneBehindTheOther:
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_header_in_between_is_no_row(self, read, mark: str) -> None:
        found = read((table(A) + mark + table(B)).encode())

        assert (found.ids, found.unreadable) == (["a", "b"], [])

    def test_columns_in_another_order_are_read_by_their_own_header(self, read) -> None:
        found = read((table(A) + turned(B)).encode())

        assert (found.ids, found.unreadable) == (["a", "b"], [])

    def test_another_table_is_read_by_its_own_header(self, read) -> None:
        found = read((table(A) + f"{SIGN_INS}\r\n{SIGN_IN}\r\n").encode())

        assert [event.operation for event in found.events] == ["Set-InboxRule", "Sign-in"]
        assert found.unreadable == []

    def test_the_header_of_a_table_is_no_sign_in_of_a_user_called_username(self, read) -> None:
        found = read(f"{SIGN_INS}\r\n{SIGN_IN}\r\n{SIGN_INS}\r\n{LATER}\r\n".encode())

        assert [event.actor for event in found.events] == ["dana@contoso.example"] * 2

    def test_a_byte_order_mark_between_values_is_passed_over(self, read) -> None:
        lines = json.dumps(A).encode() + b"\n\xef\xbb\xbf" + json.dumps(B).encode() + b"\n"
        pretty = json.dumps(A, indent=1).encode() + b"\n\xef\xbb\xbf" + json.dumps([B], indent=1).encode()

        assert [len(read(data).events) for data in (lines, pretty)] == [2, 2]


class TestWhatIsNoRow:
    @pytest.mark.parametrize("total", ["Total,,,,,,,,2", "2 records exported"])
    def test_a_total_is_put_aside(self, read, total: str) -> None:
        found = read(f"{SIGN_INS}\r\n{SIGN_IN}\r\n{LATER}\r\n{total}\r\n".encode())

        assert len(found.events) == 2
        assert [reason.endswith("of 9 columns, and in none of them a time") for reason in found.unreadable] == [True]

    def test_a_row_with_little_but_a_time_is_a_record(self, read) -> None:
        found = read("\r\n".join([SIGN_INS, "2026-11-20T10:00:00Z,r-1" + "," * 7, ""]).encode())

        assert (len(found.records), found.unreadable) == (1, [])

    @pytest.mark.parametrize("end", ['"Succ', "203.0"])
    def test_a_row_in_which_the_file_ends_is_put_aside(self, read, end: str) -> None:
        cut = SIGN_IN.rpartition(",")[0] + f",{end}" if end[0] == '"' else SIGN_IN[: SIGN_IN.index("203.0")] + end
        found = read(f"{SIGN_INS}\r\n{LATER}\r\n{cut}".encode())

        assert (len(found.events), found.unreadable) == (1, ["the file ends inside it"])
        (aside,) = [json.loads(item.data) for item in found.items if isinstance(item, Unreadable)]
        assert aside["Request ID"] == "r-1"  # with its columns, so that it can be read by itself

    def test_a_last_row_without_an_end_of_line_is_whole(self, read) -> None:
        assert len(read(f"{SIGN_INS}\r\n{SIGN_IN}".encode()).events) == 1

    def test_rows_that_all_leave_out_the_last_columns_are_whole(self, read) -> None:
        short = [line.rpartition(",")[0] for line in (SIGN_IN, LATER)]
        found = read("\r\n".join([SIGN_INS, *short]).encode())

        assert (len(found.events), found.unreadable) == (2, [])

    def test_what_was_zeroed_behind_a_table_does_not_hide_it(self, read) -> None:
        found = read(table(A).encode() + b"\x00" * 6000)

        assert (found.ids, len(found.unreadable)) == (["a"], 1)


class TestCutJson:
    @pytest.mark.parametrize("indent", [None, 2])
    def test_parts_of_a_record_that_was_cut_are_no_records(self, read, indent: int | None) -> None:
        rules = [{"Name": "Name", "Value": "Payroll"}, {"Name": "ForwardTo", "Value": "drop@bad.example"}]
        whole = json.dumps([A, audit("b", Parameters=rules)], indent=indent)
        found = read(whole[: whole.index("drop@")].encode())

        assert found.ids == ["a"]
        assert found.unreadable[0] == "the file ends inside it"

    def test_what_follows_a_broken_record_is_still_found(self, read) -> None:
        broken = json.dumps([A, B], indent=2).replace('"Id": "a",', '"Id": {{"a",')

        assert read(broken.encode()).ids == ["b"]


class TestPython:
    @pytest.mark.parametrize("spell", [repr, lambda record: json.dumps(record).replace('"', "'")])
    def test_a_record_that_python_has_printed_is_the_record(self, read, spell) -> None:
        record = audit("a", Shared=True, Item=None, Size=1.5)
        cells = row(record)
        cells[-1] = spell(record)
        text = io.StringIO()
        csv.writer(text).writerows([HEADER, cells])
        found = read(text.getvalue().encode())

        assert (found.records, found.unreadable) == ([record], [])

    @pytest.mark.parametrize("file", ["{0!r}\n{1!r}\n", "[{0!r}, {1!r}]", "10:00 INFO {0!r}\n10:01 INFO {1!r}\n"])
    def test_a_file_of_such_records_is_read(self, read, file: str) -> None:
        big = audit("b", Size=10**30)
        found = read(file.format(A, big).encode())

        assert (found.records, found.unreadable) == ([A, big], [])

    @pytest.mark.parametrize(
        "text", ["{'a': __import__('os')}", "{'a': {1, 2}}", "{'a': b'x'}", "{'a': " + "[" * 500 + "]" * 500 + "}"]
    )
    def test_what_is_no_literal_is_put_aside(self, read, text: str) -> None:
        out = io.StringIO()
        csv.writer(out).writerows([HEADER, [*row(A)[:-1], text]])

        assert len(read(out.getvalue().encode()).unreadable) == 1


class TestPowerShell:
    @pytest.mark.parametrize(
        "cell",
        [
            "Microsoft.Graph.PowerShell.Models.MicrosoftGraphSignInStatus",
            "System.Object[]",
            "System.Collections.Generic.Dictionary`2[System.String,System.Object]",
            "@{errorCode=0; details=System.Object[]}",
        ],
    )
    def test_a_type_in_place_of_an_object_is_told(self, read, cell: str) -> None:
        found = read(sign_in_of_graph(cell))

        assert len(found.cuts) == 1
        assert ["incomplete-record" in event.tags for event in found.events] == [True]

    def test_an_object_that_is_printed_whole_is_not(self, read) -> None:
        cell = "@{errorCode=50126; failureReason=Invalid}"
        found = read(sign_in_of_graph(cell))

        assert (found.cuts, [event.result for event in found.events]) == ([], ["failure"])

    @pytest.mark.parametrize("provider", ["Microsoft.Compute", "Microsoft.Exchange", "System"])
    def test_words_that_services_write_are_no_types(self, read, provider: str) -> None:
        assert read(json.dumps(audit("a", Provider=provider)).encode()).cuts == []

    def test_what_is_printed_inside_of_an_object_is_read_as_far_as_it_goes(self, read) -> None:
        record = {
            "id": "Directory_1",
            "activityDateTime": "2026-11-20T10:00:00Z",
            "activityDisplayName": "Add member to role",
            "category": "RoleManagement",
            "result": "success",
            "loggedByService": "Core Directory",
            "initiatedBy": {
                "app": None,
                "user": "@{id=1; userPrincipalName=dana@contoso.example; ipAddress=198.51.100.7}",
            },
            "targetResources": [
                "@{type=User; userPrincipalName=noel@contoso.example; modifiedProperties=System.Object[]}"
            ],
        }
        (event,) = read(json.dumps([record]).encode()).events

        assert (event.actor, event.ip) == ("dana@contoso.example", "198.51.100.7")
        assert "noel@contoso.example" in event.ocsf["message"]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    @pytest.mark.parametrize(
        "text",
        [
            "\r\n\r\nName      : Payroll\r\nForwardTo : {drop@bad.example}\r\nPriority  : 1\r\n",
            "\r\nUserIds      Operations\r\n-------      ----------\r\ndana@contoso New-InboxRule\r\n",
        ],
    )
    def test_what_it_prints_is_no_harmless_note(self, read, text: str, encoding: str) -> None:
        (refusal,) = read(text.encode(encoding)).refused.values()

        assert "as PowerShell prints it" in str(refusal)
        assert not refusal.harmless

    def test_a_list_in_a_note_is_one(self, read) -> None:
        (refusal,) = read(
            b"Case : 17\nLead : Kim\nDone : no\n\nSteps   Who\n-----   ---\none     Kim\n"
        ).refused.values()

        assert refusal.harmless


class TestRecordsInText:
    @pytest.mark.parametrize(
        "around",
        [
            "<134>Nov 20 10:00:00 siem o365: {}\n<134>Nov 20 10:00:01 siem o365: {}\n",
            "var data = [{}, {}];",
            "2026-11-20T10:00:00Z,INFO,{}\n2026-11-20T10:00:00Z,INFO,{}\n",
        ],
    )
    def test_records_behind_a_prefix_are_read(self, read, around: str) -> None:
        found = read(around.replace("{}", json.dumps(A), 1).replace("{}", json.dumps(B), 1).encode())

        assert (found.ids, found.unreadable, found.doubts) == (["a", "b"], [], [])

    @pytest.mark.parametrize(
        "around",
        [
            "WARNING: more than 5000 results\n[{},{}]\n",
            "Export of Dana\n\n[\n{},\n{}\n]\nend of export\n",
            "```json\n{}\n{}\n```\n",
        ],
    )
    def test_text_around_records_is_told(self, read, around: str) -> None:
        text = around.replace("{}", json.dumps(A, indent=2), 1).replace("{}", json.dumps(B, indent=2), 1)
        found = read(text.encode())

        assert found.ids == ["a", "b"]
        assert len(found.doubts) == 1

    def test_the_records_of_a_list_that_powershell_printed_are_read(self, read) -> None:
        printed = "\n\n".join(
            f"RecordType : ExchangeAdmin\nAuditData  : {json.dumps(one)}\nIsValid    : True" for one in (A, B)
        )
        found = read(printed.encode("utf-16"))

        assert (found.ids, len(found.doubts)) == (["a", "b"], 1)

    def test_an_object_beside_them_that_nobody_knows_is_put_aside(self, read) -> None:
        found = read(f'note {json.dumps(A)}\nnote {{"level": "info"}}\nnote {json.dumps(B)[:-9]}\n'.encode())

        assert found.ids == ["a"]
        assert len(found.unreadable) == 2

    def test_the_objects_of_a_tools_log_alone_are_nothing(self, read) -> None:
        (refusal,) = read(
            b'10:00 INFO started {"level": "info"}\n10:01 INFO ended {"level": "info"}\n'
        ).refused.values()

        assert refusal.harmless

    @pytest.mark.slow
    def test_objects_that_do_not_end_are_given_up_in_bounded_time(self, read) -> None:
        lines = [f"note {json.dumps(A)}", *[f'note {{"a{number}' for number in range(20_000)]]
        found = read("\n".join(lines).encode())

        assert found.ids == ["a"]
        assert len(found.unreadable) == prose._ENDLESS + 1  # the bound is what this is about


class TestAnsweredErrors:
    @pytest.mark.parametrize(
        "answer",
        [
            {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}},
            {"odata.error": {"code": "Request_BadRequest", "message": {"lang": "en", "value": "Invalid filter"}}},
            {"error": "invalid_grant", "error_description": "AADSTS700082: expired"},
        ],
    )
    def test_an_error_in_place_of_records_is_no_event(self, read, answer: dict[str, object]) -> None:
        found = read(json.dumps(answer).encode())

        assert found.events == []
        assert found.unreadable[0].startswith("an error that was answered in place of records: ")

    def test_answers_of_a_batch_are_read_one_by_one(self, read) -> None:
        good = {"id": "1", "status": 200, "headers": {}, "body": {"value": [A]}}
        bad = {"id": "2", "status": 429, "body": {"error": {"code": "TooManyRequests"}}}
        found = read(json.dumps({"responses": [good, bad]}).encode())

        assert (found.ids, len(found.unreadable)) == (["a"], 1)


class TestOtherDialects:
    def test_a_record_without_quotes_around_it_is_read(self, read) -> None:
        bare = json.dumps(A, separators=(",", ":"))
        found = read(f"{','.join(HEADER)},Units\n{audit_row(bare)},\n".encode())

        assert (found.records, found.unreadable) == ([A], [])

    def test_a_column_of_records_as_a_window_shows_it_is_read(self, read) -> None:
        found = read(f"AuditData\r\n---------\r\n{json.dumps(A)}\r\n{json.dumps(B)}\r\n".encode("utf-16"))

        assert (found.ids, found.unreadable) == (["a", "b"], [])

    def test_quotes_with_a_backslash_are_read(self, read) -> None:
        escaped = json.dumps(json.dumps(A))
        found = read(f"{','.join(HEADER)}\n{audit_row(escaped)}\n".encode())

        assert (found.records, found.unreadable) == ([A], [])

    def test_what_no_dialect_makes_a_row_of_is_put_aside_as_it_stands(self, read) -> None:
        line = "a,2026-11-20,1,Set,kim@contoso.example,x,y,z"
        found = read(f"{','.join(HEADER)}\n{line}\n".encode())

        assert [item.data.decode().strip() for item in found.items] == [line]


def sign_in_of_graph(status: str) -> bytes:
    """A table with one sign-in, as Export-Csv writes it."""
    return f'{SIGN_INS_OF_GRAPH}\n2026-11-20T10:00:00Z,a,d@x.example,G,203.0.113.9,"{status}"\n'.encode()


def audit_row(text: str) -> str:
    """The row of a record, with this text in the place of its AuditData."""
    return f"a,2026-11-20T10:00:00Z,1,Set-InboxRule,kim@contoso.example,{text}"


def turned(record: dict[str, object]) -> str:
    """A table with its columns the other way round."""
    text = io.StringIO()
    csv.writer(text).writerows([HEADER[::-1], row(record)[::-1]])
    return text.getvalue()
