"""What an import says of files that it cannot read, and how it counts what it put aside itself."""

from __future__ import annotations

import gzip
import json
import lzma
import re
from pathlib import Path
from typing import Any

import pytest

from aoc_sim import samples

pytestmark = pytest.mark.slow

CUT = b'{"Id": "half'
BECAME = ("stored", "changed", "duplicate", "quarantined", "dead_lettered")


def lines(count: int, seed: int = 6) -> list[bytes]:
    return [text for _, text in samples.records(seed, count, "graph-directory-audits")]


def of(data: Path, tenant: str) -> tuple[str | Path, ...]:
    return "--data", data, "--tenant", tenant


def account(aoc: Any, data: Path, tenant: str) -> dict[str, Any]:
    ran = aoc.run("completeness", "--json", *of(data, tenant))
    found = [source for source in json.loads(ran.stdout)["sources"] if source["source"] == "import"]
    assert len(found) == 1, (ran.stdout, ran.stderr)
    assert found[0]["records"] == sum(found[0][name] for name in BECAME), found[0]
    return found[0]


def quarantine(aoc: Any, *arguments: str | Path) -> str:
    ran = aoc.run("quarantine", *arguments)
    assert ran.returncode == 0, ran.stderr
    return str(ran.stdout)


@pytest.mark.timeout(180)
def test_what_an_import_puts_aside_is_in_the_account_before_and_after_every_decision(aoc, evidence) -> None:
    here = of(evidence, "aside")
    damaged = aoc.root / "damaged.ndjson"
    damaged.write_bytes(b"\n".join([*lines(1), CUT, b'["no record"]', *lines(2)[1:]]))
    ran = aoc.run("import", damaged, *here)
    fresh = account(aoc, evidence, "aside")
    keys = re.findall(r"aside/import#\S+", quarantine(aoc, "list", *here))
    quarantine(aoc, "discard", keys[0], "--why", "seen", "--by", "me", "--data", evidence)
    discarded = account(aoc, evidence, "aside")
    quarantine(aoc, "retry", keys[1], "--data", evidence)
    again = aoc.run("import", damaged, *here)
    twice = account(aoc, evidence, "aside")

    assert (ran.returncode, again.returncode) == (3, 3)
    assert "4 records" in ran.stdout
    assert [fresh[name] for name in ("records", "stored", "quarantined", "waiting", "unsettled")] == [4, 2, 2, 2, 0]
    assert [discarded[name] for name in ("records", "quarantined", "waiting")] == [4, 2, 1]
    # The one that was tried again counts again, as what is imported again does.
    assert [twice[name] for name in ("records", "stored", "duplicate", "quarantined")] == [9, 2, 2, 5]
    # Beside the two of the file there is what became of the retry: it is no record still.
    every = re.findall(r"aside/import#\S+", quarantine(aoc, "list", "--state", "all", *here))
    assert (len(every), sum("#damaged.ndjson#" in key for key in every)) == (3, 2)


@pytest.mark.timeout(180)
def test_an_import_that_reads_nothing_leaves_nothing_on_its_way_and_names_each_file(aoc, evidence) -> None:
    noise = aoc.root / "rand.bin"
    noise.write_bytes(b"\x93\x00\xff\x1b[2J\x07" * 500)
    packed, tar = aoc.root / "logs.7z", aoc.root / "logs.tar.xz"
    packed.write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\x1b[2J" * 20)
    tar.write_bytes(lzma.compress(b"{}"))

    ran = aoc.run("import", noise, packed, tar, *of(evidence, "nothing"))
    as_json = aoc.run("import", noise, packed, tar, *of(evidence, "nothing"), "--json")
    left = account(aoc, evidence, "nothing")

    assert (ran.returncode, as_json.returncode) == (1, 1)
    summary = json.loads(as_json.stdout)
    assert [Path(one["file"]).name for one in summary["refusals"]] == ["rand.bin", "logs.7z", "logs.tar.xz"]
    assert (summary["records"], summary["refused"], summary["clean"]) == (0, 3, False)
    said = " ".join(ran.stderr.split())
    for name in ("rand.bin", "logs.7z: a 7z archive: unpack it first", "logs.tar.xz: an xz file: unpack it first"):
        assert name in said
    assert not re.search(r"[^\n\x20-\x7e\u2500-\u257f]", ran.stderr)
    assert (left["records"], left["unsettled"], left["gaps"]) == (0, 0, [])


@pytest.mark.timeout(120)
def test_every_file_that_was_not_read_to_its_end_is_named_with_status_3_and_what_is_hidden_is_told(
    aoc, evidence
) -> None:
    logs = aoc.root / "logs"
    logs.mkdir()
    good = lines(6)
    (logs / "good.ndjson").write_bytes(b"\n".join(good[:2]))
    (logs / ".hidden.ndjson").write_bytes(good[2])
    (logs / "shot.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    fine = aoc.run("import", logs, *of(evidence, "unread"), "--json")
    told = json.loads(fine.stdout)

    named = {
        "empty.json": b"",
        "note.txt": b"Dear colleague",
        "cut.gz": gzip.compress(b"\n".join(good) * 200)[:-400],
        "cut.json": b"[" + good[3] + b"," + good[4][:50],
        "open.json": b"[" + good[3] + b",",
        "cut.csv": b'CreationDate,AuditData\n2026-11-23,"{""Id"": ""1',
    }
    for name, data in named.items():
        (aoc.root / name).write_bytes(data)
    many = [CUT] * 30
    (aoc.root / "many.ndjson").write_bytes(b"\n".join([*many, good[5]]))
    paths = [aoc.root / "many.ndjson", *(aoc.root / name for name in named), logs]
    ran = aoc.run("import", *paths, *of(evidence, "unread"))

    assert (fine.returncode, ran.returncode) == (0, 3)
    assert (told["skipped"], told["refused"], told["hidden_files"]) == (1, 0, 1)
    assert told["hidden"][0].endswith(".hidden.ndjson")
    for name in (*named, "shot.png", "1 hidden, not read; name it to import it"):
        assert name in ran.stdout, name
    assert "PNG" not in ran.stdout
    assert account(aoc, evidence, "unread")["unsettled"] == 0


def test_a_file_that_alone_is_named_and_cannot_be_read_ends_with_status_1(aoc, evidence) -> None:
    for name, data in {"empty.json": b"", "open.json": b"["}.items():
        path: Path = aoc.root / name
        path.write_bytes(data)
        assert (name, aoc.run("import", path, *of(evidence, "alone")).returncode) == (name, 1)


@pytest.mark.timeout(180)
def test_what_was_not_understood_is_found_by_its_words_and_as_such(aoc, evidence) -> None:
    file = aoc.root / "mixed.ndjson"
    strange = b'{"foo": "bar", "when": "2026-11-25T10:00:00Z", "who": "zed@contoso.example"}'
    file.write_bytes(b"\n".join([*lines(2), strange]))
    aoc.run("import", file, *of(evidence, "words"))

    def found(*asked: str) -> list[str]:
        ran = aoc.run("search", *asked, "--json", *of(evidence, "words"))
        return [json.loads(line)["unmapped"].get("foo") for line in ran.stdout.splitlines()]

    assert found("zed") == ["bar"]
    assert found("--not-understood") == ["bar"]
    assert len(found()) == 3
