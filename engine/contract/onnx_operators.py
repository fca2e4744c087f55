"""Which operators of an ONNX graph are code of its maker's: asked when it is registered and before it is loaded.

Imports nothing of this program: the process that loads a vendor's graph asks it as well.
"""

from __future__ import annotations

from collections.abc import Collection

STANDARD = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
"""Domains that the runtime carries itself: the standard's, and its maker's own, which quantised graphs use."""

LOADS_CODE = {"com.microsoft/EPContext", "com.microsoft/PythonOp", "com.microsoft/TorchEmbedding"}
"""Of the runtime's maker: these hand a blob of the file to a device's driver or call back into Python."""


def named(domain: str, operator: str) -> str:
    """One name for an operator or function: domain and name, the name alone in the standard's own domain."""
    return f"{domain}/{operator}" if domain else operator


def custom(operators: Collection[str], functions: Collection[str]) -> list[str]:
    """The operators that are refused, in alphabetical order.

    Args:
        operators: that stand in the graph, its branches and functions, as `named`.
        functions: that the file defines itself from other operators, as `named`.
    """
    foreign = {name for name in operators if name.rpartition("/")[0] not in STANDARD and name not in functions}
    return sorted(foreign or LOADS_CODE & set(operators))
