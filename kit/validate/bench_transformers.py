"""`transformers.Trainer` with stock peft at its fastest settings, to measure ours against.

Same LoRA, loss, positions and dtype as the kit's trainers. Fast means: views of similar length in
one batch, padding to the longest of it, an attention mask of ones (padding lies behind all real
tokens, so that a causal mask alone hides it, and torch takes its quickest attention), the fused
optimiser, and nothing logged, saved or evaluated.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.utils.rnn import pad_sequence
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from kit.encode.encoding import Encoded
from kit.engine.transformers_model import open_transformers_model
from kit.finetune.batches import IGNORE
from kit.finetune.loss_mask import loss_mask
from kit.finetune.trainer import FinetuneConfig, LossOn

Row = dict[str, list[int]]


class TransformersTraining:
    """One peft model that is trained again and again.

    Args:
        dtype: of the base model; LoRA weights are float32, as peft makes them.
        seed: of these weights.
    """

    def __init__(self, path: Path, dtype: str, config: FinetuneConfig, seed: int) -> None:
        self._config = config
        base = open_transformers_model(path, dtype)
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=list(config.targets),
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self._model = get_peft_model(base, lora)

    def time_epoch(self, views: Sequence[Encoded], batch_views: int, seed: int) -> float:
        """Seconds of one epoch, from the beginning of the first step to the end of the last.

        Making the trainer, and the views' tokens, is not counted.
        """
        rows = [_row(view, self._config.loss_on) for view in views]
        stopwatch = _Stopwatch()
        with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng():
            trainer = Trainer(
                model=self._model,
                args=_arguments(self._config, batch_views, seed, folder),
                train_dataset=rows,
                data_collator=_collate,
                callbacks=[stopwatch],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        return stopwatch.ended_s - stopwatch.began_s


class _Stopwatch(TrainerCallback):
    """Notes when training begins and ends."""

    began_s = ended_s = 0.0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        self.began_s = time.perf_counter()

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        self.ended_s = time.perf_counter()


def _arguments(
    config: FinetuneConfig, batch_views: int, seed: int, folder: str
) -> TrainingArguments:
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=batch_views,
        num_train_epochs=1,
        learning_rate=config.lr,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup_fraction,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
        gradient_checkpointing=False,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=False,
        use_cpu=True,
        seed=seed % 2**31,
    )


def _row(view: Encoded, loss_on: LossOn) -> Row:
    """What the model's forward takes; it shifts the labels itself."""
    labels = view.tokens.copy()
    labels[~loss_mask(view, loss_on)] = IGNORE
    return {
        "input_ids": view.tokens.tolist(),
        "position_ids": view.positions.tolist(),
        "labels": labels.tolist(),
    }


def _collate(rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    """(B, T) tensors, padded on the right to the longest row."""
    batch = {
        name: pad_sequence(
            [torch.tensor(row[name]) for row in rows],
            batch_first=True,
            padding_value=IGNORE if name == "labels" else 0,
        )
        for name in ("input_ids", "position_ids", "labels")
    }
    return {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}
