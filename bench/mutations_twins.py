"""Mutations of which records count as one action, and of what is signed."""

from __future__ import annotations

from typing import Final

from mutation import Mutation  # type: ignore[import-not-found]  # beside this file

LINKING: Final = (
    Mutation(
        "twins-forgotten",
        "no twin is linked",
        "aoc_normalizer.twins.linker",
        "        return {link.second: link.first for link in links if link.second in ours}\n",
        "        return {}\n",
    ),
    Mutation(
        "twin-of-itself",
        "a second event says that it is its own twin",
        "aoc_common.contracts.event_message",
        "twins.marked(body, first, later=",
        "twins.marked(body, event.id, later=",
    ),
    Mutation(
        "both-are-second",
        "of two twins neither stands for itself",
        "aoc_common.store.mongo.twins",
        '{"twin": {"$literal": link.second}}',
        '{"twin": {"$literal": link.second}, "twin_of": {"$literal": link.second}}',
    ),
    Mutation(
        "first-names-nobody",
        "the first of two twins does not know its second",
        "aoc_common.store.mongo.twins",
        '{"twin": {"$literal": link.second}}',
        '{"tenant": link.tenant}',
    ),
    Mutation(
        "first-goes-before-second",
        "what stands for both twins is not kept as long as the other one",
        "aoc_common.store.mongo.twins",
        "    if second is not None:\n",
        "    if second is not None and not link.tenant:\n",
    ),
    Mutation(
        "wrong-twin",
        "an action is the twin of one that contradicts it",
        "aoc_normalizer.twins.pairing",
        "    return all(values == theirs[name] for name, values in names.items() if name in theirs)\n",
        "    return True\n",
    ),
    Mutation(
        "twin-of-failure",
        "a directory change that succeeded is the twin of one that failed",
        "aoc_normalizer.twins.facts",
        '    result: Result = draft.result if draft.result_stated else "unknown"\n',
        '    result: Result = "success"\n',
    ),
    Mutation(
        "twin-of-less",
        "an action is the twin of one that asserts less",
        "aoc_normalizer.twins.pairing",
        "    if second.facts.ip and not first.facts.ip:\n        return False\n",
        "    return True\n",
    ),
    Mutation(
        "twin-of-other-ids",
        "an action is the twin of one with another id",
        "aoc_normalizer.twins.pairing",
        "(mine.session and its.session and mine.session != its.session)",
        "False",
    ),
    Mutation(
        "twin-of-cut-value",
        "values that differ late count as the same",
        "aoc_normalizer.twins.change_hashes",
        "{folded}{before}{after}')}\"",
        "{folded}{before[:500]}{after[:500]}')}\"",
    ),
    Mutation(
        "twin-of-24-properties",
        "of very many changed properties only the first ones count",
        "aoc_normalizer.twins.change_hashes",
        "[*of_mark[: most - 1], f\"{REST}{mark}{hashed('\\n'.join(of_mark))}\"]",
        "of_mark[: most - 1]",
    ),
    Mutation(
        "twin-adds-unsaid",
        "a second event does not say that it tells more than the first",
        "aoc_common.contracts.twins",
        "{HEADER: str(first)} | ({ADDS: adds} if adds else {})",
        "{HEADER: str(first)}",
    ),
    Mutation(
        "twin-adds-always",
        "a second event says that it tells more, and tells the same",
        "aoc_common.contracts.twins",
        ' else "risk" if risky else None\n',
        ' else "risk"\n',
    ),
)
SIGNING: Final = (
    Mutation(
        "signed-until-now",
        "what is signed is complete until this moment",
        "aoc_cli.reports.statement",
        '        "discarded": asdict(discarded),\n',
        '        "discarded": asdict(discarded),\n        "complete_until": at,\n',
    ),
    Mutation(
        "signed-without-gaps",
        "what is signed has no gaps",
        "aoc_cli.reports.statement",
        '        "discarded": asdict(discarded),\n',
        '        "discarded": asdict(discarded),\n        "gaps": (),\n',
    ),
    Mutation(
        "signed-for-another",
        "what is signed of one tenant is signed as another's",
        "aoc_cli.reports.statement",
        '        "tenant": tenant,\n',
        '        "tenant": "contoso",\n',
    ),
    Mutation(
        "signed-without-imports",
        "what is signed states no imports",
        "aoc_cli.reports.statement",
        "[import_document(record) for record in imports]",
        "[]",
    ),
    Mutation(
        "hash-of-the-beginning",
        "a file's hash is of what was read of it",
        "aoc_cli.importing.streams",
        "        if self._hashed < self.size:\n",
        "        if self._hashed < 0:\n",
    ),
    Mutation(
        "import-that-is-rewritten",
        "the account of an import that has ended can be changed",
        "aoc_common.store.mongo.import_accounts",
        '{"_id": account.id, "state": ImportState.OPEN.value}',
        '{"_id": account.id}',
    ),
    Mutation(
        "signed-all-collected",
        "what was never collected is not told",
        "aoc_cli.reports.statement",
        "[name for name in SOURCE_NAMES if name not in known]",
        "[]",
    ),
    Mutation(
        "signature-of-anything",
        "a report that was altered is taken",
        "aoc_cli.reports.form",
        "decode_complete(document, Ed25519PublicKey.from_public_bytes(key), [_ALGORITHM])",
        'decode_complete(document, options={"verify_signature": False})',
    ),
    Mutation(
        "signature-of-anybody",
        "a report that a stranger has signed is proven",
        "aoc_cli.reports.trust",
        "        return Verdict.OTHER_KEY if self.fingerprints.isdisjoint(names) else Verdict.PROVEN\n",
        "        return Verdict.PROVEN\n",
    ),
)
