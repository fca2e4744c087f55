"""HuBERT-ECG's network, through its importer, against transformers' own HubertModel: names, shapes and numbers."""

import json
import math
from functools import partial
from pathlib import Path

import torch

from engine.zoo.architectures.wav2vec2 import WaveConfig, WaveEncoder
from engine.zoo.published.hubert_ecg import ALIASES, CONVOLUTIONS, DROPPED, NAMES
from engine.zoo.published.importer import RenamedImporter

KNOWN = json.loads((Path(__file__).parent.parent / "golden" / "published_networks" / "hubert.json").read_text())


def wave(count, start):
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.7 + start)


def weights():
    """As the golden file describes them."""
    state = {}
    for number, name in enumerate(sorted(KNOWN["shapes"])):
        shape = KNOWN["shapes"][name]
        values = wave(math.prod(shape), number).reshape(shape)
        if len(shape) == 1 or name.endswith("original0"):
            values = values * 0.1 + (0 if name.endswith("bias") or "masked" in name else 1)
        else:
            values = values * (2 / math.prod(shape[1:])) ** 0.5
        state[name] = values.float()
    return state


def test_a_small_hubert_is_transformers_own():
    config = WaveConfig(CONVOLUTIONS, channels=16, leads=1, width=32, depth=2, heads=4)
    importer = RenamedImporter({"tiny": partial(WaveEncoder, config)}, NAMES, DROPPED, ALIASES)
    network = importer.load("tiny", weights(), "model").double()
    x_BCT = torch.sin(torch.arange(1000, dtype=torch.float64).reshape(2, 2, 250) ** 1.5 * 0.01)
    told = network(x_BCT)
    for name, means in KNOWN["means over tokens"].items():
        torch.testing.assert_close(told[name], torch.tensor(means, dtype=torch.float64), atol=1e-12, rtol=0)
    assert torch.equal(told["embedding"], told["block2"])
