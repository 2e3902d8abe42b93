"""Model, encodings and requests that the parts of the sampling benchmark share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.arc.seeds import derive_seed
from kit.augment.views import View, test_views
from kit.encode import open_encoding
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoding
from kit.engine.model import Model, open_model
from kit.finetune.trainer import Adapter
from kit.generate.sampler import SampleRequest
from kit.validate.bench_report import BenchSettings
from kit.validate.bench_tasks import Question


@dataclass(frozen=True, slots=True)
class Setting:
    """An open model.

    Attributes:
        own: the encoding that the model was made for.
        contiguous: the same with positions 0, 1, 2, ...
    """

    model: Model
    own: Encoding
    contiguous: Encoding
    settings: BenchSettings


def open_setting(settings: BenchSettings) -> Setting:
    """The model that the options name."""
    solve = settings.toolbox.solve
    own = open_encoding(solve.model, solve.format)
    contiguous: Encoding = own
    if isinstance(own, CellEncoding):
        contiguous = CellEncoding("contiguous", own.max_tokens)
    return Setting(open_model(solve.model, solve.dtype), own, contiguous, settings)


def question_views(question: Question, count: int, setting: Setting) -> tuple[View, ...]:
    """Test views of one test input."""
    seed = derive_seed(setting.settings.seed, "bench", question.task.task_id)
    augment = setting.settings.toolbox.augment
    return test_views(question.task, question.test_index, count, seed, augment)


def make_requests(
    views: Sequence[View], encoding: Encoding, adapter: Adapter | None = None, group: int = 0
) -> list[SampleRequest]:
    """One greedy request per view."""
    return [
        SampleRequest((group, index), encoding.encode(view), adapter)
        for index, view in enumerate(views)
    ]
