"""Full-size optimiser steps on a GPU: `bench_gpu.py [--device cuda] [--batch 64] [--steps 30] [--tiny]`.

For each backbone, in float32 and bfloat16: steps a second, memory, the loss of the last step. For CPC with S4 also the
plain reference's steps on the same device, and the share of the GPU's time in matrix products. The goals: in bfloat16
at least twice the steps of the plain reference, and more than half of the time in products. Exit code 1 where a goal
is not reached. `--device cpu --tiny` shows that it works.
"""

import argparse
import sys
from dataclasses import replace

import torch

from engine.bench.cases import FULL, TINY, Size
from engine.bench.training_steps import Steps, our_step, our_steps, plain_steps, share_in_products
from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, PretrainConfig, S4Config, TransformerConfig

RATIO, SHARE = 2.0, 0.5
PAIRS = [(S4Config, CPCConfig), (TransformerConfig, JEPAConfig), (Net1DConfig, JEPAConfig)]


def config(backbone, objective, precision, size, batch, device):
    task = CPCConfig(offsets=(size.offset,), negatives=size.negatives) if objective is CPCConfig else JEPAConfig()
    settings = {"window_s": size.samples / 240, "batch_size": batch, "precision": precision, "device": device}
    return PretrainConfig(backbone=backbone(width=size.width), objective=task, **settings)


def line(what: str, steps: Steps) -> None:
    memory = "" if steps.memory_gb is None else f"{steps.memory_gb:6.2f} GB"
    print(f"{what:40s} {steps.per_s:8.2f} steps/s {memory} last loss {steps.losses[-1]:.4f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    device, size = torch.device(asked.device), TINY if asked.tiny else FULL
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}, batch {asked.batch}")
    for backbone, objective in PAIRS:
        for precision in ("float32", "bfloat16"):
            made = config(backbone, objective, precision, size, asked.batch, asked.device)
            line(f"{made.backbone.name}, {made.objective.name}, {precision}", our_steps(made, device, asked.steps))
    return judge(size, asked.batch, asked.steps, device)


def judge(size: Size, batch: int, steps: int, device: torch.device) -> int:
    """CPC with S4 against its goals."""
    ours = config(S4Config, CPCConfig, "bfloat16", size, batch, device.type)
    published = replace(size, cpc=batch)
    plain, fast = plain_steps(published, device, max(3, steps // 3)), our_steps(ours, device, steps)
    line("s4, cpc, plain reference, float32", plain)
    ratio, share = fast.per_s / plain.per_s, share_in_products(our_step(ours, device))
    print(f"s4, cpc, bfloat16: {ratio:.2f} times the plain reference's steps (goal {RATIO:g})")
    print(f"share of the GPU's time in products: {'no GPU' if share is None else f'{share:.0%}'} (goal {SHARE:.0%})")
    return 0 if ratio >= RATIO and (share is None or share > SHARE) else 1


if __name__ == "__main__":
    sys.exit(main())
