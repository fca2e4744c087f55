"""Every way in which a vendor's model can fail, in words: what happened and what to do now."""

from __future__ import annotations

from engine.contract.errors import WorldError

FAULTS: dict[str, tuple[str, str]] = {
    "sandbox_unavailable": ("it cannot be set up on this machine", "Run isoline-engine check to see what there is"),
    "sandbox_closed": ("its process has ended", "Start it again"),
    "sandbox_start_time": ("it took longer to load than it may", "Allow it more time, or ask its maker"),
    "sandbox_time": ("it did not answer in time and was ended", "Allow it more time, or fewer windows at once"),
    "sandbox_cpu": ("it used more processor time than it may and was ended", "Allow it more, or ask its maker"),
    "sandbox_memory": ("it needs more memory than it may have", "Allow it more, or fewer windows at once"),
    "sandbox_processes": ("it started more processes than it may and was ended", "Ask its maker why it does"),
    "sandbox_disk": ("it wrote more than its scratch folder may hold and was ended", "Ask its maker why it does"),
    "sandbox_output": ("its answer is longer than an answer may be", "Ask for fewer windows at once, or its maker"),
    "sandbox_protocol": ("what it answers breaks the protocol", "Hold it against docs/vendor_protocol.md"),
    "sandbox_died": ("its process ended by itself", "Ask its maker; the model's own error text may tell more"),
    "sandbox_not_started": ("its program cannot be started", "Hold its command against the files in its folder"),
    "model_missing": ("the file to load is not in its folder", "Name a file of the model's folder"),
    "onnxruntime_missing": (
        "onnxruntime, which runs ONNX models, is not installed",
        'Install it with: pip install "isoline[onnx]"',
    ),
    "model_unreadable": ("its file cannot be read as what it is said to be", "Ask its maker for it anew"),
    "model_custom_operators": (
        "it uses operators that are code of its maker's, which is refused",
        "Ask its maker for a graph of standard operators, or register it as a command",
    ),
    "model_external_data": (
        "it refers to weights outside its folder",
        "Put all of its files into one folder, and ask its maker if they are not there",
    ),
    "checkpoint_classes": (
        "it holds objects of classes of its maker's, beside weights",
        "Ask its maker for a state dict, or for safetensors",
    ),
    "checkpoint_weights": ("it is not clear which of its contents are the weights", "Name their place with --key"),
    "endpoint_address": (
        "its address is not one of this machine's own",
        "Name an http address on the loopback, such as http://127.0.0.1:8000/model",
    ),
    "endpoint_redirect": ("it sends the request on to another address, which is refused", "Name its address itself"),
    "endpoint_silent": ("nobody answers at its address", "Start the vendor's program, then try again"),
    "model_input": ("it was given inputs that do not fit together", "Hold the card against the model's inputs"),
    "model_output": ("its answers do not fit together", "Give it one window at a time"),
    "model_failed": ("it fails on its input", "Hold the card against the model's inputs"),
}
"""Reason and next step by fault."""


def world_error(fault: str, detail: str = "") -> WorldError:
    """What a fault means for the user. One that is not known came from a worker that is no longer ours."""
    known = fault if fault in FAULTS else "sandbox_protocol"
    reason, next_step = FAULTS[known]
    words = " ".join("".join(c if c.isprintable() else " " for c in detail).split())[:300].rstrip(".")
    return WorldError("vendor model", f"{reason} ({words})" if words else reason, next_step, fault=known)
