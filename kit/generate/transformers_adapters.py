"""Transformers models with one adapter switched on at a time, for the reference sampler."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from kit.engine.transformers_model import open_transformers_model
from kit.finetune.adapter_dir import AdapterError, load_adapter_weights
from kit.finetune.trainer import Adapter

KEPT_ADAPTERS = 4
"""LoRA adapters that stay loaded beside the base model."""


class AdaptedModels:
    """The base model, as it is or under an adapter.

    LoRA adapters go through stock peft; a fully fine-tuned one is a second copy of the model, of
    which the last is kept.

    Args:
        quantize: hold the base in 4 bits, as for an adapter that was trained on one.
    """

    def __init__(self, model_path: Path, dtype: str, device: str, quantize: bool) -> None:
        self._open = lambda: open_transformers_model(model_path, dtype, device, quantize)
        self._device = device
        self._model = self._open()
        self._peft: PeftModel | None = None
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._full: tuple[str, PreTrainedModel] | None = None

    def get(self, adapter: Adapter | None) -> PreTrainedModel:
        """The model that answers under `adapter`, until the next call.

        Raises:
            AdapterError: the folder is damaged or does not fit the model.
        """
        if adapter is None:
            if self._peft is not None:
                self._peft.base_model.disable_adapter_layers()
            return self._model
        return self._get_full(adapter) if adapter.method == "full" else self._get_lora(adapter)

    def _get_lora(self, adapter: Adapter) -> PreTrainedModel:
        name = adapter.sha256
        if name not in self._loaded:
            load_adapter_weights(adapter)  # refuses what is damaged before peft reads it
            self._load_lora(adapter.path, name)
        self._loaded[name] = None
        self._loaded.move_to_end(name)
        self._peft.base_model.enable_adapter_layers()
        self._peft.set_adapter(name, inference_mode=True)
        while len(self._loaded) > KEPT_ADAPTERS:
            oldest, _ = self._loaded.popitem(last=False)
            self._peft.delete_adapter(oldest)
        return self._model

    def _load_lora(self, path: Path, name: str) -> None:
        try:
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(
                    self._model, path, adapter_name=name, torch_device=self._device
                ).eval()
            else:
                self._peft.load_adapter(path, adapter_name=name, torch_device=self._device)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise AdapterError(f"{path}: peft cannot load it ({error})") from error

    def _get_full(self, adapter: Adapter) -> PreTrainedModel:
        if self._full is None or self._full[0] != adapter.sha256:
            weights = load_adapter_weights(adapter)
            model = self._open()
            known = model.state_dict()
            for name, array in weights.items():
                if name not in known or tuple(known[name].shape) != array.shape:
                    raise AdapterError(
                        f"{adapter.path}: {name} {array.shape} is no weight of this model"
                    )
            tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
            model.load_state_dict(tensors, strict=False)
            self._full = adapter.sha256, model
        return self._full[1]
