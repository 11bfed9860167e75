"""How much a rule may ask for. A rule beyond a bound is refused with a reason; nothing is cut in silence."""

from __future__ import annotations

from typing import Final

#: Bytes of a file of rules. The largest public rules have some 60 kB.
DOCUMENT_BYTES: Final = 512 * 1024
#: YAML documents in one file.
DOCUMENTS: Final = 2_000
#: Maps and lists within one another, in a rule.
DEPTH: Final = 20
#: Values of all of a rule's detections. Exact values cost nothing when an event is matched, however many they are.
VALUES: Final = 20_000
#: Values of a rule that are more than a whole text: parts, wildcards, regular expressions, networks.
PATTERNS: Final = 2_000
#: Characters of one value.
VALUE_LENGTH: Final = 8_192
#: Characters of a rule's conditions.
CONDITION_LENGTH: Final = 4_096
#: Brackets within one another, in a condition.
CONDITION_DEPTH: Final = 20
#: Characters of a regular expression, and bytes that its automaton may take (RE2 refuses what needs more).
REGEX_LENGTH: Final = 4_096
REGEX_BYTES: Final = 1 << 20
#: Entries of a tenant's named list.
LIST_ENTRIES: Final = 100_000
#: Entries of a named list that are put into a text or a regular expression (`%list%@contoso.com`).
LIST_PATTERNS: Final = 5_000

#: Values of one field of one event, and how deep a field is looked for in a record.
FIELD_VALUES: Final = 2_000
FIELD_DEPTH: Final = 12
#: Characters of a value that are looked at. Longer ones are cut: a record has at most 512 KiB.
TEXT_LENGTH: Final = 64 * 1024
#: Values that one match tells of, and characters of each.
SHOWN_VALUES: Final = 20
SHOWN_LENGTH: Final = 256
