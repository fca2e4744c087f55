"""ECGResNet: a stem and two residual blocks over 12 leads, one logit a class.

Written from a description of the released weights (`iskoo-14/ecgresnet-ptbxl`, Apache-2.0): convolution 12 -> 64 of 15
samples by steps of 2, batch norm, ReLU, maximum of 3 by steps of 2; two blocks of two convolutions of 7 samples, the
second block 64 -> 128 by steps of 2; mean over time; a linear layer. 250,885 parameters with five classes.

Shapes: B batch, C leads, T samples, D 128, K classes.
"""

from __future__ import annotations

from torch import Tensor, nn

LEADS, STEM, WIDTH = 12, 64, 128


class Block(nn.Module):
    """Two convolutions of 7 samples beside a shortcut, which is a projection where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(before, after, 7, stride=stride, padding=3, bias=False)
        self.bn1 = nn.BatchNorm1d(after)
        self.conv2 = nn.Conv1d(after, after, 7, padding=3, bias=False)
        self.bn2 = nn.BatchNorm1d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            project = nn.Conv1d(before, after, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(project, nn.BatchNorm1d(after))

    def forward(self, x_BDT: Tensor) -> Tensor:
        """[B, before, T] to [B, after, T / stride]."""
        inner = self.bn1(self.conv1(x_BDT)).relu()
        summed: Tensor = self.bn2(self.conv2(inner)) + self.shortcut(x_BDT)
        return summed.relu()


class ECGResNet(nn.Module):
    """The network; any length of at least a second goes in.

    Args:
        classes: logits it puts out.
    """

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(LEADS, STEM, 15, stride=2, padding=7, bias=False),
            nn.BatchNorm1d(STEM),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        )
        self.blocks = nn.Sequential(Block(STEM, STEM, 1), Block(STEM, WIDTH, 2))
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """Logits [B, K], and the embedding [B, D] that they are made of."""
        embedding_BD = self.blocks(self.stem(x_BCT)).mean(dim=2)
        return {"logits": self.head(embedding_BD), "embedding": embedding_BD}


def build(tensors: dict[str, Tensor]) -> ECGResNet:
    """The network that these weights belong to; how many classes, they say themselves."""
    return ECGResNet(len(tensors["head.bias"]) if "head.bias" in tensors else 5)
