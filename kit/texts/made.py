"""Text tasks made by rule from seeds: three kinds, for trying the method where there are no grids.

Every kind is one hidden rule on short texts, drawn from the seed, with any number of items:

    operators   "7 # 4" under an arithmetic operator that is nowhere named
    records     "Maria Lopez, 1987-03-02" rewritten to another layout of the same fields
    letters     a word changed by two steps: order of letters, case, vowels, doubled letters
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit.arc.seeds import python_rng

_FIRST = (
    "Maria", "John", "Aisha", "Peter", "Chen", "Olga", "Ravi", "Nina", "Tom", "Lea", "Omar", "Eva",
    "Hugo", "Mina", "Paul", "Sara", "Igor", "Anna", "Karl", "Zoe",
)  # fmt: skip
_LAST = (
    "Lopez", "Smith", "Khan", "Novak", "Wong", "Silva", "Rossi", "Meyer", "Brown", "Sato", "Diaz",
    "Larsen", "Kowal", "Jones", "Petrov", "Moreau", "Nguyen", "Costa", "Weber", "Green",
)  # fmt: skip
_WORDS = (
    "garden", "window", "silver", "planet", "market", "bridge", "winter", "forest", "candle",
    "orange", "pencil", "rocket", "stream", "button", "castle", "dragon", "engine", "flower",
    "hammer", "island", "jacket", "kitten", "ladder", "mirror", "needle", "oyster", "pocket",
    "rabbit", "saddle", "ticket", "violin", "walnut", "yellow", "zipper", "anchor", "basket",
    "carpet", "desert", "escape", "fabric", "guitar", "harbor", "insect", "jungle", "kettle",
    "lemon", "magnet", "napkin", "olive", "pepper", "quartz", "ribbon", "spider", "temple",
    "urchin", "velvet", "wagon", "yogurt", "zebra", "apple", "butter", "copper", "dinner", "empire",
)  # fmt: skip

Rule = Callable[[random.Random], tuple[str, str]]
"""Draws one item: (input, output)."""


@dataclass(frozen=True, slots=True)
class MadeTask:
    """A task with everything in it, for writing to a file."""

    task_id: str
    items: tuple[tuple[str, str], ...]


def operators(rng: random.Random) -> Rule:
    """An unnamed operator on two numbers: a*x + b*y + c with small coefficients."""
    a, b, c = rng.choice((1, 2, 3)), rng.choice((-1, 1, 2)), rng.choice((0, 1, 5))
    sign = rng.choice("#@&%")

    def draw(source: random.Random) -> tuple[str, str]:
        x, y = source.randint(2, 20), source.randint(1, 9)
        return f"{x} {sign} {y}", str(a * x + b * y + c)

    return draw


def records(rng: random.Random) -> Rule:
    """A name and a date in another layout."""
    name = rng.choice(("{last} {first}", "{first[0]}. {last}", "{LAST}/{first}"))
    date = rng.choice(("{day}.{month}.{year}", "{month}/{day}/{year}", "{year}{month}{day}"))
    join = rng.choice((" | ", "; ", " - "))

    def draw(source: random.Random) -> tuple[str, str]:
        first, last = source.choice(_FIRST), source.choice(_LAST)
        year, month = source.randint(1950, 2015), source.randint(1, 12)
        fields = {"first": first, "last": last, "LAST": last.upper(), "year": year}
        fields |= {"month": f"{month:02}", "day": f"{source.randint(1, 28):02}"}
        shown = "{first} {last}, {year}-{month}-{day}".format(**fields)
        return shown, (name + join + date).format(**fields)

    return draw


_STEPS: tuple[Callable[[str], str], ...] = (
    lambda word: word[::-1],
    lambda word: word[1:] + word[0],
    lambda word: word[-1] + word[1:-1] + word[0],
    lambda word: "".join(c.upper() if c in "aeiou" else c for c in word),
    lambda word: "".join(c for c in word if c.lower() not in "aeiou"),
    lambda word: word.upper(),
    lambda word: word + word[-1],
)


def letters(rng: random.Random) -> Rule:
    """Two different steps on the letters of a word."""
    first, second = rng.sample(_STEPS, 2)

    def draw(source: random.Random) -> tuple[str, str]:
        word = source.choice(_WORDS)
        return word, second(first(word))

    return draw


KINDS: dict[str, Callable[[random.Random], Rule]] = {
    "operators": operators,
    "records": records,
    "letters": letters,
}


def make_task(kind: str, number: int, num_items: int, seed: int) -> MadeTask:
    """A task of one kind with different items.

    Raises:
        KeyError: unknown kind.
    """
    draw = KINDS[kind](python_rng(seed, kind, number, "rule"))
    source = python_rng(seed, kind, number, "items")
    found: dict[str, str] = {}
    while len(found) < num_items:
        asked, answer = draw(source)
        found.setdefault(asked, answer)
    return MadeTask(f"{kind}-{number}", tuple(found.items()))


def write_tasks(path: Path, num_train: int, num_items: int, seed: int, per_kind: int = 1) -> None:
    """A JSONL file with tasks of all kinds, the first items of each being demonstrations."""
    lines = []
    for kind in KINDS:
        for number in range(per_kind):
            task = make_task(kind, number, num_items, seed)
            pairs = [{"input": a, "output": b} for a, b in task.items]
            record = {"id": task.task_id, "train": pairs[:num_train], "test": pairs[num_train:]}
            lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
