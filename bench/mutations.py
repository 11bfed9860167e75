"""All mutations of the pipeline that `mutants.py` tries, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutations_reading import COLLECTING, MAPPING  # type: ignore[import-not-found]  # beside this file
from mutations_twins import LINKING, SIGNING  # type: ignore[import-not-found]  # the same
from mutations_writing import ACCOUNTING, SEARCHING, WRITING  # type: ignore[import-not-found]  # the same

if TYPE_CHECKING:
    from mutation import Mutation  # type: ignore[import-not-found]  # the same

MUTATIONS: Final[dict[str, Mutation]] = {
    mutation.name: mutation
    for mutation in (*COLLECTING, *MAPPING, *WRITING, *LINKING, *ACCOUNTING, *SIGNING, *SEARCHING)
}
