"""The head of data2vec, JEPA and DinoSR: one bidirectional S4 block and a linear map (method specification, 2.5).

At width 512 with 512 outputs it has 855,040 parameters.

Shapes: B batch, L tokens, D width, O outputs.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.backbones.s4 import S4Block
from engine.contract.backbone import S4Config
from engine.contract.objective import Predictor as PredictorConfig


class Predictor(nn.Module):
    """Fills in what the student was not shown. It sees both ways whatever the backbone does, and is thrown away.

    Args:
        width: features of a token.
        outputs: values that are predicted for a token.
        config: state size and dropout, which here is drawn value by value.
    """

    def __init__(self, width: int, outputs: int, config: PredictorConfig) -> None:
        super().__init__()
        shape = S4Config(
            width=width, depth=1, causal=False, state_size=config.head_state_size, dropout=config.head_dropout
        )
        self.block = S4Block(shape, "predictor", tied=False)
        self.output = nn.Linear(width, outputs)

    def forward(self, tokens_BLD: Tensor) -> Tensor:
        """tokens_BLD -> predictions_BLO."""
        x_BLD, _ = self.block(tokens_BLD)
        predictions_BLO: Tensor = self.output(x_BLD)
        return predictions_BLO
