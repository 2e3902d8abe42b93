"""The contract of writers: conversations in, texts out; and which writer the options name.

`open_writer` imports what is heavy inside. What it does not: read programs out of the texts
(`completion`), or ask for them (`prompt`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kit.induce.meter import Meter
from kit.induce.writing.settings import WritingConfig


class WriterError(RuntimeError):
    """Nothing can be written; the message says who was asked, and what went wrong."""


class PromptTooLongError(WriterError):
    """The conversation does not fit; a shorter one may."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A conversation to be continued by the assistant.

    Attributes:
        count: of independent continuations.
        seed: of their draws.
        opening: what the answer begins with, for writers that can be told so.
    """

    turns: tuple[Turn, ...]
    count: int
    seed: int
    opening: str = ""


class Writer(Protocol):
    """Somebody who continues conversations."""

    def fits(self, turns: Sequence[Turn]) -> bool:
        """Whether a conversation and a whole answer probably fit the context."""
        ...

    def write(self, asks: Sequence[Ask], meter: Meter) -> Iterator[tuple[int, str]]:
        """(Index of the ask, text) as they are finished; ends when the meter says stop, unfinished
        texts included where there are any.

        Raises:
            PromptTooLongError: a conversation does not fit after all.
            WriterError: the writer does not answer.
        """
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


def open_writer(config: WritingConfig, threads: int, device: str) -> Writer:
    """The writer that the options name; imports torch for a model that is run here.

    Args:
        threads: of the processor that a model may use.
        device: where it computes: "cpu", or else ("auto", "cuda") the first GPU that this process
            sees, if any.
    Raises:
        WriterError: nobody is named, or the URL cannot be used.
        FileNotFoundError, ValueError: the model folder or the file of texts cannot be used.
    """
    from kit.induce.writing.prompt import program_format

    program_format(config.format, config.texts)
    if config.server:
        from kit.induce.writing.client import ServerWriter

        return ServerWriter(config)
    if config.model is None:
        raise WriterError(
            "nobody is named to write programs: set programs.server to a URL, or programs.model "
            "to a model folder"
        )
    from kit.induce.writing.local import open_local_writer

    return open_local_writer(config, threads, device)
