"""The reference's Cauchy sum beside pykeops', with which the published S4 evaluates it: `bench_cauchy.py [ROUNDS]`.

pykeops is no dependency of Isoline and needs a C++ compiler; without it this says so. The published code asks it for a
GPU; here it is told to use the CPU, and nothing else is changed. One thread, process time, in turns, a layer of 512
channels, 8 states and 300 tokens: forward, and forward with the gradient of v.
"""

import statistics
import sys
import time

import torch

from engine.bench.reference.s4 import cauchy

FORMULA = "ComplexDivide(z * ComplexReal(v) - Real2Complex(Sum(v * w)), ComplexMult(z-w, z-Conj(w)))"


def by_pykeops(v_PQHJ, z_F, w_HJ):
    """The same sums by pykeops."""
    from pykeops.torch import Genred

    inputs = (v_PQHJ, z_F.view(1, 1, 1, -1), w_HJ.view(1, 1, *w_HJ.shape))
    reduced = Genred(FORMULA, ["v = Vj(2)", "z = Vi(2)", "w = Vj(2)"], reduction_op="Sum", axis=1)
    return torch.view_as_complex(2 * reduced(*[torch.view_as_real(x.resolve_conj()) for x in inputs], backend="CPU"))


def milliseconds(call):
    """CPU time of a call."""
    begun = time.process_time()
    call()
    return 1e3 * (time.process_time() - begun)


def main(rounds):
    """Compare results, then time both."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    v, w = torch.randn(2, 2, 512, 4, dtype=torch.cfloat), torch.randn(512, 4, dtype=torch.cfloat)
    omega = torch.exp(-2j * torch.pi * torch.arange(151) / 300)
    z = 2 * (1 - omega) / (1 + omega)
    sides = {"ours": cauchy, "pykeops": by_pykeops}
    results = [side(v, z, w) for side in sides.values()]
    print(f"largest difference {float((results[0] - results[1]).abs().max() / results[1].abs().max()):.0e}")
    times = {name: ([], []) for name in sides}
    weight = v.clone().requires_grad_()
    for _ in range(rounds):
        for name, side in sides.items():
            with torch.inference_mode():
                times[name][0].append(milliseconds(lambda side=side: side(v, z, w)))
            times[name][1].append(milliseconds(lambda side=side: side(weight, z, w).abs().sum().backward()))
    for name, (forward, both) in times.items():
        print(f"{name:8} forward {statistics.median(forward):6.2f} ms, and backward {statistics.median(both):6.2f} ms")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed; Isoline does not need it, this comparison does")
