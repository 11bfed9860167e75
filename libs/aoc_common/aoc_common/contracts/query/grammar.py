"""The query language: from what people type to clauses. Reference: `docs/reference/query.md`.

    query  = [ item { [ "AND" ] item } ]                all items must match
    item   = [ "-" | "NOT" ] choice
    choice = atom { "OR" atom }                         atoms of one field, or words
    atom   = [ field ":" ] value { "," value }          a comma separates values behind a field only
    value  = ( word | quoted ) [ "*" ]                  a star behind it: what begins so

It has no nesting, so that a loop over the text reads it, in a time that grows with its length alone, and every error
knows where it stands ([ADR 0030](docs/adr/0030-search.md) says why no parser library does this).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, get_args

from aoc_common.contracts import spelling, terms
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Clause, Field, Value
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

#: Characters of a query, its items, and the values of one item. What is looked up grows with these.
LONGEST: Final = 2_000
MOST_ITEMS: Final = 32
MOST_VALUES: Final = 100
#: Values of all parameters together, and of these, beginnings and networks: each of them is looked up on its own.
MOST_TOGETHER: Final = 400
MOST_SPANS: Final = 100

type Asked = tuple[str, Field, str]
"""A parameter or option by its name, the field that it is about, and its text; a query where that is `text`."""

#: Every name of a field that is understood, and the field.
FIELDS: Final[Mapping[str, Field]] = {
    "actor": "actor", "user": "actor",
    "target": "target",
    "ip": "ip", "address": "ip",
    "session": "session",
    "operation": "operation", "op": "operation",
    "service": "service",
    "source": "source",
    "result": "result",
    "correlation_id": "correlation_id", "correlation": "correlation_id",
    "raw": "raw",
    "tag": "tag",
}  # fmt: skip
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})
#: What opens a quoted text, and what ends it. Programs that write for people put other marks in place of plain ones.
_QUOTES: Final[Mapping[str, str]] = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c\u201d", "\u00ab": "\u00bb"}


class QueryError(Malformed):
    """A query that cannot be read. `position`: of the character where it went wrong, the first being 0.

    `of`: the parameter or option whose text it is; empty where there is but one text.
    """

    def __init__(self, position: int, why: str, of: str = "") -> None:
        super().__init__(f"{of + ', ' if of else ''}at character {position + 1}: {why}")
        self.position = position
        self.why = why
        self.of = of


@dataclass(frozen=True, slots=True)
class Piece:
    """One value as it stands in the text from `position` up to `end`, without its quotes and the star behind it."""

    position: int
    end: int
    text: str
    quoted: bool = False
    star: bool = False


@dataclass(frozen=True, slots=True)
class Atom:
    """`field:value,value`, or a word or phrase (field `text`)."""

    position: int
    field: Field
    pieces: tuple[Piece, ...]
    excluded: bool = False
    dashed: bool = False


def parse(text: str) -> tuple[Clause, ...]:
    """The clauses of a query; none for a blank one. Raises `QueryError`."""
    return tuple(_clause(choice) for choice in read(text))


def parameter(field: Field, text: str) -> Clause:
    """The clause of a parameter or an option: values and commas as behind `field:`, in which blanks may stand.

    A comma before a blank belongs to the value (`Reyes, Dana`). Raises `QueryError`.
    """
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"a value has at most {LONGEST:,} characters")
    return _clause([Atom(0, field, tuple(_of_parameter(field, text)))])


def _of_parameter(field: Field, text: str) -> Iterator[Piece]:
    at = 0
    while True:
        piece = _piece(text, at, of=field, ends=_ends_of_parameter)
        yield piece
        at = piece.end
        if at >= len(text):
            return
        if text[at] != ",":
            raise QueryError(at, "a comma is missing between two values")
        at += 1


def clauses(asked: Sequence[Asked]) -> tuple[Clause, ...]:
    """What parameters or options ask for together. Raises `QueryError`, which names the one that cannot be read."""
    parsed: list[Clause] = []
    for name, field, text in asked:
        try:
            parsed += parse(text) if field == "text" else [parameter(field, text)]
            _check_cost(parsed)
        except QueryError as error:
            raise QueryError(error.position, error.why, name) from None
    return tuple(parsed)


def _check_cost(parsed: Sequence[Clause]) -> None:
    """Raise `QueryError` for more than is looked up for one query."""
    every = [value for clause in parsed for value in clause.values]
    if len(every) > MOST_TOGETHER:
        raise QueryError(0, f"all filters together have at most {MOST_TOGETHER} values; ask for some of them at a time")
    if sum(any(span.term is None for span in need) for value in every for need in value.needs) > MOST_SPANS:
        raise QueryError(
            0,
            f"all filters together have at most {MOST_SPANS} beginnings and networks; "
            "ask for some of them at a time, or for a wider network",
        )


def pieces(field: Field, text: str) -> list[tuple[Field, Piece]]:
    """The values that are looked for in a parameter, each with its field; not what is left out. Raises `QueryError`."""
    if field == "text":
        atoms = [atom for choice in read(text) for atom in choice if not atom.excluded]
        return [(atom.field, piece) for atom in atoms for piece in atom.pieces]
    return [(field, piece) for piece in _of_parameter(field, text)]


def about(asked: Sequence[Asked], field: Field) -> str | None:
    """The first parameter that asks for values of a field, or leaves some out; None. Raises `QueryError`."""
    for name, of, text in asked:
        atoms = [atom.field for choice in read(text) for atom in choice] if of == "text" else [of]
        if field in atoms:
            return name
    return None


def in_records(asked: Sequence[Asked], unknown: Collection[str]) -> tuple[Clause, ...] | None:
    """What was asked for, with words looked for in the events themselves as well: those that no index has (`unknown`).

    Where there are none, all words. None when there are no words, or not enough of them, to look for.
    """
    where: list[Clause] = []
    words = 0
    for name, field, text in asked:
        if field != "text":
            where += clauses([(name, field, text)])
            continue
        for choice in read(text):
            clause = _clause(choice)
            if clause.field == "text" and _lacks(choice, unknown) and not _has_network(choice):
                try:
                    # The sentence is looked through with the record.
                    in_record = _clause([replace(atom, field="raw") for atom in choice])
                    clause = replace(clause, values=(*clause.values, *in_record.values))
                except QueryError:  # a letter: it is in all of them
                    return None
                words += not clause.excluded
            where.append(clause)
    return tuple(where) if words else None


def _lacks(choice: Sequence[Atom], unknown: Collection[str]) -> bool:
    texts = [piece.text for atom in choice for piece in atom.pieces]
    return not unknown or any(term in unknown for text in texts for term in terms.query_terms(text))


def _has_network(choice: Sequence[Atom]) -> bool:
    """Whether addresses of a network are asked for, which no text has as such."""
    asked = [values.exactly("text", piece.text) for atom in choice for piece in atom.pieces if not piece.star]
    return any(span.term is None for value in asked for need in value.needs for span in need)


def read(text: str) -> list[list[Atom]]:
    """The items of a query, each with the atoms of which one must match. Raises `QueryError`."""
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"a query has at most {LONGEST:,} characters")
    items: list[list[Atom]] = []
    excluded_at, joined_at = None, None
    for word in _without_and(text, list(_atoms(text))):
        if isinstance(word, Atom):
            atom = replace(word, excluded=word.excluded or excluded_at is not None)
            if joined_at is None:
                items.append([atom])
            else:
                _join(items[-1], atom, joined_at)
            excluded_at = joined_at = None
        elif word.text == "OR":
            if not items or excluded_at is not None or joined_at is not None:
                raise QueryError(word.position, "OR stands between two things to look for; in quotes it is a word")
            joined_at = word.position
        else:
            if excluded_at is not None or joined_at is not None:
                raise QueryError(word.position, "NOT stands before one thing to leave out; in quotes it is a word")
            excluded_at = word.position
    if excluded_at is not None or joined_at is not None:
        raise QueryError(len(text), "something to look for is missing at the end")
    if len(items) > MOST_ITEMS:
        raise QueryError(items[MOST_ITEMS][0].position, f"a query has at most {MOST_ITEMS} items")
    return items


def _without_and(text: str, words: Sequence[Atom | Piece]) -> list[Atom | Piece]:
    """The words of a query without AND, since all items must match.

    Raises `QueryError` where that says nothing, and where people who know other languages read a query otherwise.
    """
    joined = [word for word in words if isinstance(word, Piece) and word.text == "OR"]
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        if isinstance(word, Piece) and word.text == "AND":
            if not isinstance(before, Atom) or after is None or (isinstance(after, Piece) and after.text != "NOT"):
                raise QueryError(word.position, "AND stands between two things to look for; in quotes it is a word")
            if joined:
                raise QueryError(word.position, "OR joins the two beside it before AND does: leave AND out to say so")
        elif isinstance(word, Atom) and _opens(text, word) and not all(map(_is_atom, words)):
            raise QueryError(
                word.position, "there are no parentheses: OR joins the two beside it; in quotes it is text"
            )
    return [word for word in words if isinstance(word, Atom) or word.text != "AND"]


def _opens(text: str, atom: Atom) -> bool:
    """Whether a parenthesis that is not closed in the same word begins here."""
    return atom.field == "text" and text[atom.position] == "(" and ")" not in atom.pieces[0].text


def _is_atom(word: Atom | Piece) -> bool:
    return isinstance(word, Atom)


def _join(choice: list[Atom], atom: Atom, at: int) -> None:
    first = choice[0]
    if atom.field != first.field:
        raise QueryError(at, f"OR joins words, or values of one field: here {_called(first)} and {_called(atom)}")
    if atom.dashed or first.excluded:
        raise QueryError(at, "OR joins what is looked for; leave things out one by one: -this -that")
    choice.append(atom)


def _called(atom: Atom) -> str:
    return "text" if atom.field == "text" else f"{atom.field}:"


def _clause(choice: list[Atom]) -> Clause:
    pieces = [(atom.field, piece) for atom in choice for piece in atom.pieces]
    if len(pieces) > MOST_VALUES:
        raise QueryError(pieces[MOST_VALUES][1].position, f"an item has at most {MOST_VALUES} values")
    distinct = dict.fromkeys(_value(field, piece) for field, piece in pieces)
    return Clause(choice[0].field, tuple(distinct), choice[0].excluded)


def _value(field: Field, piece: Piece) -> Value:
    try:
        if piece.star:
            return values.beginning(field, piece.text)
        if field == "text" and piece.quoted:
            return values.phrase(piece.text)
        return values.exactly(field, piece.text)
    except values.Unsearchable as error:
        raise QueryError(piece.position, f"`{piece.text}` {error}") from None


def _atoms(text: str) -> Iterator[Atom | Piece]:
    """Atoms, and the words AND, OR and NOT between them."""
    at = _blanks(text, 0)
    while at < len(text):
        dashed = text[at] == "-" and at + 1 < len(text) and not text[at + 1].isspace()
        begin = at + dashed
        name, colon = _field_name(text, begin)
        if name is None:
            piece = _piece(text, begin, ends=_ends_word)
            at = piece.end
            if piece.text in _OPERATORS and not (piece.quoted or piece.star or dashed):
                yield piece
            else:
                yield Atom(begin, "text", (piece,), dashed, dashed)
        else:
            pieces = [_piece(text, colon + 1, of=name, ends=_ends_value)]
            while pieces[-1].end < len(text) and text[pieces[-1].end] == ",":
                pieces.append(_piece(text, pieces[-1].end + 1, of=name, ends=_ends_value))
            at = pieces[-1].end
            yield Atom(begin, FIELDS[name], tuple(pieces), dashed, dashed)
        if at < len(text) and not text[at].isspace():
            raise QueryError(at, "a blank is missing between two things to look for")
        at = _blanks(text, at)


def _field_name(text: str, at: int) -> tuple[str | None, int]:
    """The name of the field that begins here, and where its colon is; None where a word or a quoted text begins."""
    colon = at
    while colon < len(text) and (text[colon].isalpha() or text[colon] == "_"):
        colon += 1
    name = text[at:colon].lower()
    if not name or text[colon : colon + 1] != ":":
        return None, at
    if name in FIELDS:
        return name, colon
    if text[colon + 1 : colon + 3] == "//" or spelling.address(_word_at(text, at).rstrip("*,")) is not None:
        return None, at
    known = ", ".join(get_args(Field.__value__)[1:])
    raise QueryError(at, f"there is no field `{name}`; there are {known}. In quotes it is a text to search for")


def _word_at(text: str, at: int) -> str:
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[at:end]


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _ends_word(text: str, at: int) -> bool:
    return text[at].isspace()


def _ends_value(text: str, at: int) -> bool:
    return text[at] == "," or text[at].isspace()


def _ends_of_parameter(text: str, at: int) -> bool:
    return text[at] == "," and not text[at + 1 : at + 2].isspace()


def _piece(text: str, at: int, *, of: str = "", ends: Callable[[str, int], bool]) -> Piece:
    """The value that begins here, of the field `of`."""
    if at < len(text) and text[at] in _QUOTES:
        return _quoted(text, at)
    end = at
    while end < len(text) and not ends(text, end):
        if text[end] in _QUOTES:
            raise QueryError(end, "a quote begins inside a word; put the whole into quotes")
        end += 1
    word = text[at:end]
    if not word:
        raise QueryError(at, f"a value is missing behind `{of}:`, or behind a comma")
    return _starred(at, end, word)


def _starred(at: int, end: int, text: str) -> Piece:
    star = text.find("*")
    if star == 0:
        raise QueryError(at, "a * stands behind the beginning of a word")
    if 0 < star < len(text) - 1:
        raise QueryError(at + star, "a * stands at the end of a word only")
    return Piece(at, end, text.removesuffix("*"), star=star > 0)


def _quoted(text: str, at: int) -> Piece:
    """A quoted text: a backslash takes a quote or a backslash as it is."""
    ends, characters, position = _QUOTES[text[at]], [], at + 1
    while position < len(text) and text[position] not in ends:
        if text[position] == "\\" and text[position + 1 : position + 2] in {"\\", '"'}:
            position += 1
        characters.append(text[position])
        position += 1
    if position >= len(text):
        raise QueryError(at, "this quote is never closed")
    end = position + 1
    star = text[end : end + 1] == "*"
    whole = "".join(characters)
    if not whole.strip():
        raise QueryError(at, "nothing is between these quotes")
    return Piece(at, end + star, whole, quoted=True, star=star)
