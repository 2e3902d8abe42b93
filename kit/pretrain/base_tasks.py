"""Tasks as token sequences of the model that is fine-tuned, and questions it is never trained on.

Task number n of a run is a function of (seed, n) alone; epochs go through all numbers in orders
of their own. Grids, rules and symmetries come from `kit.pretrain.corpus`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kit.arc.seeds import numpy_rng, python_rng
from kit.augment.views import View
from kit.encode.encoding import ContextError, Encoded, Encoding
from kit.pretrain.base_settings import BaseConfig
from kit.pretrain.corpus import Corpus, CorpusConfig, CorpusError, RecordedRule, view_tokens
from kit.pretrain.procedural import held_out_views
from kit.pretrain.rules.catalogue import held_out_rules
from kit.pretrain.rules.rule import Rule
from kit.pretrain.sources import dev_questions

PROBES = 40
"""Tasks that are written out to see how many tokens of this model a cell takes."""
DRAWS = 100
"""Draws of one task before giving up on `max_tokens`."""
DRAWN_HELD_OUT = 200
"""Questions of held-out rules from which those that fit are taken: about four of each rule."""


class BaseTasks:
    """The sequences of a run.

    Raises:
        CorpusError: no tasks fit into `config.max_tokens`.
    """

    def __init__(
        self,
        generated: Sequence[RecordedRule],
        original: Sequence[RecordedRule],
        rules: Sequence[Rule],
        encoding: Encoding,
        config: BaseConfig,
    ) -> None:
        self._encoding, self._config = encoding, config
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))
        drawn = CorpusConfig(
            min_pairs=2,
            max_pairs=config.max_pairs,
            long_share=0.0,
            wrap_share=config.wrap_share,
            symmetries=config.symmetries,
        )
        probe = Corpus(generated, original, drawn, rules, programs=True)
        share = self._tokens_per_cell_token(probe)
        limit = max(40, int(min(config.max_tokens, encoding.max_tokens) / share))
        self._corpus = Corpus(
            generated, original, replace(drawn, short_tokens=limit), rules, programs=True
        )
        self.task(0)

    def task(self, number: int) -> Encoded:
        """Task `number`, its last output the answer."""
        rng = python_rng(self._config.seed, "base task", number)
        for _ in range(DRAWS):
            encoded = _whole(self._corpus.draw(rng), self._encoding)
            if encoded is not None and len(encoded) <= self._config.max_tokens:
                return encoded
        raise CorpusError(
            f"no task fits into {self._config.max_tokens} tokens of format "
            f"{self._encoding.name}; give it more with --max-tokens"
        )

    def batch(self, step: int) -> list[Encoded]:
        """The sequences of one optimiser step."""
        size = self._config.batch_tasks
        return [self.task(self._number(step * size + place)) for place in range(size)]

    def _number(self, place: int) -> int:
        """Number of the task at a place in the sequence of all epochs."""
        epoch, at = divmod(place, self._config.num_tasks)
        if self._order[0] != epoch:
            rng = numpy_rng(self._config.seed, "base order", epoch)
            self._order = (epoch, rng.permutation(self._config.num_tasks))
        return int(self._order[1][at])

    def _tokens_per_cell_token(self, corpus: Corpus) -> float:
        """Tokens of this model over tokens of the cell encoding, which the corpus counts in."""
        rng = python_rng(self._config.seed, "base probe")
        total = cells = 0
        for _ in range(PROBES):
            view = corpus.draw(rng)
            encoded = _whole(view, self._encoding)
            if encoded is not None:
                total, cells = total + len(encoded), cells + view_tokens(view)
        if not cells:
            raise CorpusError(
                f"no task fits into the {self._encoding.max_tokens} tokens of this model's "
                f"format {self._encoding.name}"
            )
        return total / cells


def _whole(view: View, encoding: Encoding) -> Encoded | None:
    """A view's tokens; None if demonstrations would have to go."""
    try:
        encoded = encoding.encode(view)
    except ContextError:
        return None
    return None if encoded.num_dropped else encoded


def encoded_questions(
    encoding: Encoding, config: BaseConfig, number: int
) -> dict[str, list[Encoded]]:
    """Up to `number` questions of each kind that nothing is trained on, as fit `max_tokens`."""
    views = {
        "development tasks": dev_questions(),
        "held-out rules": held_out_views(held_out_rules(), DRAWN_HELD_OUT, config.seed),
    }
    found = {}
    for name, asked in views.items():
        encoded = [e for view in asked if (e := _shortened(view, encoding, config)) is not None]
        if encoded[:number]:
            found[name] = encoded[:number]
    return found


def _shortened(view: View, encoding: Encoding, config: BaseConfig) -> Encoded | None:
    """Tokens of a question behind as many of its last demonstrations as fit; None without any."""
    for first in range(len(view.examples)):
        encoded = _whole(replace(view, examples=view.examples[first:]), encoding)
        if encoded is not None and len(encoded) <= config.max_tokens:
            return encoded
    return None
