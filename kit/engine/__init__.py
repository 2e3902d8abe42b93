"""Our own torch engine for Llama-family models: packed forward, KV cache, LoRA."""
