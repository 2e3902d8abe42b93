"""Answers written and scored one token at a time under a grammar: the plain form, without torch.

The reference that block-wise decoding is compared with. Knows nothing of models: logits come in,
a legal token and its log-probability come out.
"""

from __future__ import annotations

import numpy as np

from kit.encode.encoding import Grammar


class StepwiseAnswer:
    """One answer being written.

    Args:
        temperature: 0 for the most likely legal token; of equal ones the lowest id.
        seed: of the draws when temperature > 0.

    Attributes:
        tokens: written so far.
        logprob_nats: their log-probability at temperature 1, renormalised over legal tokens.
        finished: the end marker was written.
    """

    def __init__(self, grammar: Grammar, temperature: float, seed: int) -> None:
        self._grammar = grammar
        self._temperature = temperature
        self._seed = seed
        self._state = grammar.start
        self.tokens: list[int] = []
        self.logprob_nats = 0.0
        self.finished = False

    def write(self, logits: np.ndarray) -> int:
        """Choose the next token.

        Args:
            logits: (n,) the model's output for each token of `Grammar.alphabet`.
        """
        grammar = self._grammar
        places = np.searchsorted(grammar.alphabet, grammar.legal(self._state))
        legal = logits[places].astype(np.float64)
        chosen = int(self._disturbed(logits)[places].argmax())
        token = int(grammar.alphabet[places[chosen]])
        self.logprob_nats += float(legal[chosen] - np.logaddexp.reduce(legal))
        self.tokens.append(token)
        self._state = grammar.step(self._state, token)
        self.finished = grammar.is_final(self._state)
        return token

    def _disturbed(self, logits: np.ndarray) -> np.ndarray:
        """Scores whose largest is the choice: Gumbel noise makes it a draw from the softmax.

        The noise depends on the seed and the place in the answer alone, as in
        `kit.generate.decoding`, so that both draw the same answer.
        """
        if self._temperature == 0:
            return logits
        noise = np.random.default_rng((self._seed, len(self.tokens))).gumbel(size=len(logits))
        return logits / self._temperature + noise


def answer_logprob(grammar: Grammar, answer: np.ndarray, logits: np.ndarray) -> float:
    """Sum of log-probabilities of an answer in nats, each renormalised over the legal tokens.

    Args:
        answer: (A,) token ids.
        logits: (A, V), row i being the model's output before answer token i.
    Returns:
        -inf for an answer that the grammar does not allow.
    """
    state, total = grammar.start, 0.0
    for token, row in zip(answer.tolist(), logits.astype(np.float64), strict=True):
        legal = grammar.legal(state)
        if token not in legal:
            return -np.inf
        total += float(row[token] - np.logaddexp.reduce(row[legal]))
        state = grammar.step(state, token)
    return total
