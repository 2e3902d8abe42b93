"""The presets: for each name the options that differ from the defaults of the stages.

What it does: holds the one table. What it does not: read it (`kit.config` does).
"""

from __future__ import annotations

from collections.abc import Mapping

# A preset is a list of overrides, so that there is one way to say what an option is.
PRESETS: Mapping[str, tuple[str, ...]] = {
    # A minute on any CPU: shows that everything works, not how well.
    "smoke": (
        "augment.dihedral=false",
        "augment.colours=keep_zero",
        "budget.time_s=60",
        "budget.num_steps=4",
        "budget.num_train_views=16",
        "budget.num_test_views=4",
        "budget.num_score_views=2",
    ),
    # For the bundled model in minutes on a few cores. It is too weak to learn a rule in all eight
    # symmetries within a hundred steps: without them, and with colour 0 kept, it solved 2 of the 12
    # smallest development tasks after 60 steps, with them none (README, "Figures").
    "cpu": (
        "augment.dihedral=false",
        "augment.colours=keep_zero",
        "finetune.lr=5e-3",
        "finetune.batch_views=2",
        "budget.num_steps=120",
        "budget.min_steps=60",
        "budget.num_test_views=8",
        "budget.min_test_views=8",
    ),
    # The defaults of every stage: all symmetries and colours, for models that can use them.
    "full": (),
    # For a model of billions of weights on Kaggle's cards; none of these has been run on its card.
    # Source: the published contest kits of 2024 and 2025: on T4 4-bit weights, rank 32 and 64
    # sequences of one view; on L4 rank 256 and 128. Their rank-stabilised scale of 2 is alpha 2r.
    "kaggle-t4x2": (
        "solve.dtype=float16",
        "finetune.quantize=nf4",
        "finetune.rank=32",
        "finetune.alpha=64",
        "finetune.lr=1e-4",
        "finetune.batch_views=1",
        "budget.time_s=41400",
        "budget.num_steps=64",
        "budget.num_train_views=64",
    ),
    "kaggle-l4x4": (
        "solve.dtype=bfloat16",
        "finetune.rank=256",
        "finetune.alpha=512",
        "finetune.lr=5e-5",
        "finetune.batch_views=1",
        "budget.time_s=41400",
        "budget.num_steps=128",
        "budget.num_train_views=128",
    ),
    # One large card (H100, H200, RTX Pro 6000): the values of the L4s, in 16 bits,
    # four views a step.
    "h200": (
        "solve.dtype=bfloat16",
        "finetune.quantize=none",
        "finetune.rank=256",
        "finetune.alpha=512",
        "finetune.lr=1e-4",
        "finetune.batch_views=4",
        "budget.num_steps=64",
        "budget.num_train_views=256",
    ),
    # Source: Akyurek et al. 2024, appendix B, and the values of its released code: rank 128,
    # alpha 16, no dropout, lr 5e-5, 2 epochs of at most 250 samples in batches of 2, greedy
    # decoding. Tasks of two demonstrations have about 30 to 96 samples, and take as many steps.
    "paper": (
        "augment.mode=paper",
        "augment.augmenters=paper",
        "augment.colours=paper",
        "augment.cap=250",
        "finetune.rank=128",
        "finetune.alpha=16",
        "finetune.dropout=0",
        "finetune.targets=q_proj,v_proj,gate_proj,up_proj,down_proj",
        "finetune.lr=5e-5",
        "finetune.batch_views=2",
        "finetune.epochs=2",
        "finetune.weight_decay=0.01",
        "finetune.loss_on=outputs",
        "generate.temperature=0",
        "rank.method=vote",
        "budget.num_steps=250",
        "budget.num_train_views=250",
        "budget.num_test_views=12",
        "budget.num_score_views=0",
    ),
}
