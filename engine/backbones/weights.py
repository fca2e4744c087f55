"""Weights of a backbone in one safetensors file that also says which backbone they belong to."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine.backbones.base import Backbone
from engine.backbones.registry import build_backbone
from engine.contract.config import BackboneConfig, config_json
from engine.contract.errors import WorldError

_CONFIG: TypeAdapter[BackboneConfig] = TypeAdapter(BackboneConfig)
# One key only: the order of several in the file's header is not defined, and equal weights shall be equal bytes.
_KEY = "isoline.backbone"


def weights_bytes(backbone: Backbone, config: BackboneConfig) -> bytes:
    """The file's content: all parameters and buffers, and the config; equal weights give equal bytes."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()}
    told = json.loads(config_json(config))
    if told["stem_norm"]:  # files of earlier versions do not say so, and equal weights shall stay equal bytes
        del told["stem_norm"]
    return save(tensors, {_KEY: json.dumps(told, sort_keys=True)})


def load_backbone(path: Path) -> tuple[Backbone, BackboneConfig]:
    """The backbone that a weights file describes, in evaluation mode, on the CPU.

    Raises:
        WorldError: not a safetensors file, not one of ours, or its tensors do not fit its config.
    """
    again = "Use a checkpoint made by Isoline, or pretrain again"
    try:
        with safe_open(path, framework="pt") as file:
            config = _CONFIG.validate_json((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no dict)
    except KeyError:
        raise WorldError("weights file", "it does not say which backbone it belongs to", again) from None
    except (SafetensorError, OSError) as error:
        raise WorldError("weights file", f"it cannot be read ({type(error).__name__})", again) from None
    except ValidationError:
        raise WorldError("weights file", "it was made for a backbone that this version does not know", again) from None
    backbone = build_backbone(config, seed=0)
    try:
        backbone.load_state_dict(tensors, strict=True)
    except RuntimeError:
        raise WorldError("weights file", "its tensors do not fit the backbone it names", again) from None
    return backbone.eval(), config
