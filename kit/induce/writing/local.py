"""Texts written by a causal language model that is run here, through the kit's own `Sampler`.

Any sampler will do: its answers are free text (`kit.encode.free_text`) instead of grids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.arc.seeds import derive_seed
from kit.budget.clock import Deadline, SystemClock
from kit.encode.encoding import ContextError
from kit.encode.free_text import FreeText
from kit.generate.sampler import Completion, Sampler, SampleRequest
from kit.induce.meter import Meter
from kit.induce.writing.prompt import program_format
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.writer import Ask, PromptTooLongError, Turn, WriterError

_FENCE = "```"


class LocalWriter:
    """Implements `Writer` on a sampler whose answers are `texts`."""

    def __init__(self, sampler: Sampler, texts: FreeText, config: WritingConfig) -> None:
        """Take over the sampler, which is closed with the writer."""
        self._sampler = sampler
        self._texts = texts
        self._max_tokens = config.max_tokens
        self._temperature = config.temperature

    def fits(self, turns: Sequence[Turn]) -> bool:
        """See `Writer.fits`; counted, not guessed."""
        try:
            self._texts.encode_text(self._spell(turns, ""), self._max_tokens)
        except ContextError:
            return False
        return True

    def write(self, asks: Sequence[Ask], meter: Meter) -> Iterator[tuple[int, str]]:
        """See `Writer.write`."""
        clock = SystemClock()
        deadline = Deadline(clock.now_s() + meter.left_s(), clock)
        requests = [r for index, ask in enumerate(asks) for r in self._requests(index, ask)]
        try:
            for completion in self._sampler.sample(requests, deadline):
                index = completion.key[0]
                yield index, asks[index].opening + self._text(completion)
        except (RuntimeError, MemoryError, OSError) as error:
            first = next(iter(str(error).splitlines()), "")
            raise WriterError(f"the model failed: {type(error).__name__}: {first}") from error

    def close(self) -> None:
        """Free the model."""
        self._sampler.close()

    def _requests(self, index: int, ask: Ask) -> list[SampleRequest]:
        """All continuations of a conversation, which is encoded once."""
        try:
            prompt = self._texts.encode_text(self._spell(ask.turns, ask.opening), self._max_tokens)
        except ContextError as error:
            raise PromptTooLongError(str(error)) from error
        return [
            SampleRequest(
                (index, sample),
                prompt,
                temperature=self._temperature,
                seed=derive_seed(ask.seed, "text", sample),
                max_tokens=self._max_tokens,
            )
            for sample in range(ask.count)
        ]

    def _spell(self, turns: Sequence[Turn], opening: str) -> str:
        slots = self._texts.slots
        said = [slots[turn.role] + turn.text + slots["end"] + slots["next"] for turn in turns]
        return "".join(said) + slots["assistant"] + opening

    def _text(self, completion: Completion) -> str:
        return self._texts.decode_text(completion.tokens)


def open_local_writer(config: WritingConfig, threads: int, device: str) -> LocalWriter:
    """The writer of `config.model`; imports torch and loads the weights.

    Args:
        device: see `open_writer`.
    Raises:
        FileNotFoundError, ValueError: the folder cannot be used; says why.
    """
    from kit.engine.machine import choose_device
    from kit.engine.threads import set_threads

    assert config.model is not None
    set_threads(threads)
    # A process may be kept from the GPU that the run as a whole was told to use.
    device = device if device == "cpu" else choose_device("auto")
    # Where the answer is opened as a block, nothing of worth follows its end.
    opening = program_format(config.format, config.texts).opening
    stop = "\n" + _FENCE if opening.startswith(_FENCE) else ""
    texts = FreeText(config.model, config.context_tokens, stop)
    return LocalWriter(_open_sampler(config, config.model, texts, device), texts, config)


def _open_sampler(config: WritingConfig, folder: Path, texts: FreeText, device: str) -> Sampler:
    if config.sampler == "torch":
        from kit.engine.model import open_model
        from kit.generate.torch_sampler import TorchSampler

        return TorchSampler(open_model(folder, config.dtype, device), texts)
    from kit.generate.generate_sampler import GenerateSampler

    return GenerateSampler(folder, config.dtype, texts, device)
