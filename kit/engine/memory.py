"""What memory a forward and backward pass needs, what there is, and when it ran out; no torch.

What it does: the numbers that decide between keeping activations and computing them again. What it
does not: measure anything on a GPU; whoever has torch asks the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ActivationSizes:
    """What decides how much a model of the Llama family keeps for its backward pass.

    Attributes:
        num_layers, hidden, ffn: as in config.json.
        attention: heads * head_dim + 2 * key-value heads * head_dim, numbers of q, k, v per token.
        value_bytes: of one number in the model's dtype.
    """

    num_layers: int
    hidden: int
    ffn: int
    attention: int
    value_bytes: int

    def kept_bytes(self, num_tokens: int) -> int:
        """Bytes that a pass over so many tokens keeps without checkpointing.

        Per layer and token: two norms with their inputs (4 hidden), q, k, v and the attention's
        output, gate, up, their activation and product (4 ffn) in the model's dtype; and the
        inputs of the LoRA matrices in float32 (6 hidden and 1 ffn), which peft makes.
        """
        own = (5 * self.hidden + self.attention + 4 * self.ffn) * self.value_bytes
        lora = (6 * self.hidden + self.ffn) * 4
        return num_tokens * self.num_layers * (own + lora)


def available_bytes() -> int:
    """Memory that this machine can still hand out; a large number where it does not tell."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 2**62


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception means that memory ran out; torch raises plain RuntimeErrors for it."""
    text = str(error).lower()
    phrases = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(phrase in text for phrase in phrases)
    )
