"""The tasks of the benchmarks: development tasks, chosen by size alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.arc.datasets import load_dataset
from kit.arc.task import Task
from kit.augment.views import test_views
from kit.budget.cost import measure_task
from kit.encode.encoding import ContextError, Encoding
from kit.pretrain.dev_tasks import DEV_TASKS

SOURCE = "arc1-train"


def development_tasks() -> tuple[Task, ...]:
    """The 40 tasks that nothing is trained on, smallest first."""
    return smallest_first(load_dataset(SOURCE).pick(DEV_TASKS))


def smallest_first(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Tasks by the tokens of their prompts; of equal ones by id."""
    return tuple(sorted(tasks, key=lambda t: (sum(measure_task(t).prompt_tokens), t.task_id)))


def spread_over_sizes(tasks: Sequence[Task], count: int, max_tokens: int) -> tuple[Task, ...]:
    """`count` tasks evenly spread over the sizes that fit `max_tokens`.

    Raises:
        ValueError: none fits, or none was asked for.
    """
    fitting = [t for t in smallest_first(tasks) if largest_tokens(t) <= max_tokens]
    if count < 1 or not fitting:
        raise ValueError(f"need 1 task or more of at most {max_tokens} tokens, found none")
    last = len(fitting) - 1
    places = [round(i * last / max(1, count - 1)) for i in range(count)]
    return tuple(fitting[place] for place in dict.fromkeys(places))


def largest_tokens(task: Task) -> int:
    """Tokens of the largest of a task's training views and prompts, at one token per cell."""
    size = measure_task(task)
    return max(size.train_view_tokens, *size.prompt_tokens)


@dataclass(frozen=True, slots=True)
class Question:
    """One test input of a task, and the tokens of its untouched prompt."""

    task: Task
    test_index: int
    num_tokens: int


def nearest_questions(
    tasks: Sequence[Task], encoding: Encoding, tokens: int, count: int
) -> tuple[Question, ...]:
    """Test inputs of `count` tasks, one each, with prompts nearest to `tokens` tokens.

    Raises:
        ValueError: fewer tasks than that fit the context.
    """
    nearest: list[Question] = []
    for task in tasks:
        questions = _questions(task, encoding)
        if questions:
            nearest.append(min(questions, key=lambda q: abs(q.num_tokens - tokens)))
    if len(nearest) < count:
        raise ValueError(f"need {count} tasks that fit the context, found {len(nearest)}")
    nearest.sort(key=lambda q: (abs(q.num_tokens - tokens), q.task.task_id))
    return tuple(nearest[:count])


def _questions(task: Task, encoding: Encoding) -> list[Question]:
    questions = []
    for test_index in range(len(task.test)):
        (view,) = test_views(task, test_index, 1, 0)
        try:
            prompt = encoding.encode(view)
        except ContextError:
            continue
        questions.append(Question(task, test_index, len(prompt)))
    return questions
