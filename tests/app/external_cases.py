"""Cards and files of made-up vendors for tests."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from onnx_files import write_onnx

from engine.contract.card import Lineage, ModelCard, Output, Preprocessing

CONTRACT = Preprocessing(
    leads=("II",),
    rate_hz=500,
    window_s=10,
    axes="batch time",
    units="mV",
    clip_mv=None,
    filters="none",
    normalisation="none",
    aggregation="mean over non-overlapping windows",
    missing="linear interpolation per lead, an absent lead is zero",
    polarity="as recorded",
    padding="refused",
    derived_leads="allowed",
)


def vendor_card(**told: Any) -> ModelCard:
    """A whole card, but for what is told otherwise."""
    outputs = (Output(name="y", kind="logits", classes=("NORM", "MI"), activation="softmax"),)
    plain = {
        "name": "vendor",
        "source": "external",
        "version": "1",
        "licence": "Apache-2.0",
        "non_commercial": False,
        "lineage": Lineage(corpus="CODE-15"),
        "preprocessing": CONTRACT,
        "outputs": outputs,
    }
    return ModelCard(**(plain | told))


def graph(folder: Path, name: str = "model.onnx", node: str = "x", weights: str = "") -> Path:
    """An ONNX file; another `node` gives other content."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_onnx(folder / name, node, ("batch", "5000"), ("y", ("batch", "2")), weights=weights)


def archive(path: Path, *names: str) -> Path:
    """A zip whose files are all alike; only their names tell what it is."""
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"0")
    return path


def safetensors(path: Path) -> Path:
    """A file of one tensor of twelve numbers."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(48))
    return path
