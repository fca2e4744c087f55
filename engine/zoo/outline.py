"""What a model's file says of its inputs and outputs, asked inside the sandbox before anything is registered."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.contract.card import ModelFormat
from engine.contract.errors import WorldError


def outline(path: Path, format: ModelFormat) -> dict[str, Any]:
    """Names and axes of a model's ports, and its parameters, as plain data.

    The file is copied into a folder of its own first: what stands beside it is none of the model's business.

    Args:
        path: the file.
        format: as its content says: onnx, torchscript or pt2.

    Raises:
        WorldError: it cannot be copied or loaded, or the sandbox cannot isolate it fully.
    """
    from engine.zoo.sandbox.session import Session  # not above: it loads what shuts processes in

    if format not in ("onnx", "torchscript", "pt2"):
        raise WorldError("model file", f"a file of format {format} tells nothing of itself", "Fill in its card by hand")
    with tempfile.TemporaryDirectory(prefix="isoline-outline-") as made:
        folder = Path(made)
        try:
            shutil.copyfile(path, folder / path.name)
        except OSError as error:
            reason = f"it cannot be copied ({error.strerror or type(error).__name__})"
            raise WorldError("model file", reason, "Free some space, or check your rights") from None
        with Session(format, folder, path.name) as session:
            graph = session.graph
    return {
        "inputs": [{"name": one.name, "axes": _axes(one.shape)} for one in graph.inputs],
        "outputs": [{"name": one.name, "axes": _axes(one.shape)} for one in graph.outputs],
        "parameters": graph.parameters,
    }


def _axes(shape: Any) -> list[str]:
    """Sizes and names as text, "?" where nothing is said."""
    return [str(size) if size else "?" for size in shape or ()]
