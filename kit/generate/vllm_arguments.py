"""An engine's plan in vLLM's own words: arguments of its engine, and environment variables.

Only names that vLLM 0.19.1, 0.26.0, 0.27.1 and 0.32.0 share; a test compares them with the
signatures.
"""

from __future__ import annotations

from kit.finetune.trainer import LINEAR_LAYERS
from kit.generate.vllm_plan import LOGPROB_ALPHABET, Card, EnginePlan


def engine_arguments(plan: EnginePlan) -> dict[str, object]:
    """Keyword arguments of `vllm.EngineArgs`, without the logits processor."""
    arguments: dict[str, object] = {
        "model": str(plan.model),
        "dtype": plan.dtype,
        # Prompts are token ids; a model whose vocabulary was cut needs no tokenizer here.
        "skip_tokenizer_init": True,
        "generation_config": "vllm",
        "enable_lora": True,
        "max_loras": plan.max_loras,
        "max_cpu_loras": plan.kept_loras,
        "max_lora_rank": plan.max_rank,
        # Without this vLLM wraps the output head too, at a cost, and on CPUs refuses to say
        # log-probabilities of prompts.
        "lora_target_modules": list(LINEAR_LAYERS),
        "max_model_len": plan.max_tokens,
        "max_num_seqs": plan.max_requests,
        "max_num_batched_tokens": plan.step_tokens,
        "enable_chunked_prefill": True,
        "enable_prefix_caching": True,
        "gpu_memory_utilization": plan.memory_share,
        "kv_cache_memory_bytes": plan.cache_bytes,
        "enforce_eager": plan.card.is_cpu,
        # The processor writes a token's log-probability where vLLM keeps logits. Without it vLLM
        # normalises over the alphabet by itself.
        "logprobs_mode": "processed_logits" if plan.legality == "choose" else "processed_logprobs",
        "max_logprobs": max(LOGPROB_ALPHABET, min(plan.vocab, 4 * LOGPROB_ALPHABET)),
        # A token must be known before the next one's legal set is.
        "async_scheduling": False,
        "disable_log_stats": True,
        "seed": 0,
    }
    if plan.card.is_cpu:
        arguments["block_size"] = 32
    if plan.attention:
        arguments["attention_backend"] = plan.attention
    if plan.base == "nf4":
        arguments |= {"quantization": "bitsandbytes", "load_format": "bitsandbytes"}
    if plan.guessed_tokens:
        arguments["speculative_config"] = {
            "method": "ngram",
            "num_speculative_tokens": plan.guessed_tokens,
            "prompt_lookup_max": 4,
            "prompt_lookup_min": 2,
        }
    return arguments


def engine_environment(card: Card) -> dict[str, str]:
    """Variables that must be set before vLLM is imported."""
    variables = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        # FlashInfer would compile its sampler with nvcc at run time.
        "VLLM_USE_FLASHINFER_SAMPLER": "0",
        # Engine and sampler share a process: the grammar need not cross a border, and deadlines
        # are looked at between steps.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        # The newer model runner takes no logits processors.
        "VLLM_USE_V2_MODEL_RUNNER": "0",
    }
    if card.is_cpu:
        # The kit's workers say how many threads there are; a compiler is not worth its minute.
        variables |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1"}
    return variables
