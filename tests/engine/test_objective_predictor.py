"""The head that fills in what the student was not shown (method specification, section 2.5)."""

import torch

from engine.backbones.base import count_trainable
from engine.contract.config import Data2vecConfig
from engine.objectives.predictor import Predictor
from engine.ranks.draws import Draws, drawing


def test_it_has_the_published_855_040_parameters():
    assert count_trainable(Predictor(512, 512, Data2vecConfig())) == 855_040


def test_it_looks_both_ways():
    torch.manual_seed(0)
    head = Predictor(8, 5, Data2vecConfig()).eval()
    tokens_BLD = torch.randn(1, 30, 8)
    changed_BLD = tokens_BLD.clone()
    changed_BLD[:, 15] += 1
    moved_L = (head(changed_BLD) - head(tokens_BLD)).abs().sum(-1)[0]
    assert head(tokens_BLD).shape == (1, 30, 5)
    assert (moved_L[:15] > 0).all()
    assert (moved_L[15:] > 0).all()


def test_its_dropout_is_drawn_value_by_value():
    head = Predictor(64, 4, Data2vecConfig()).train()
    ones_BLD = torch.ones(2, 50, 64)
    with drawing(Draws(0, "train", 0, (0, 1))):
        kept_BLD = head.block.inner_dropout(ones_BLD) > 0
    share_BD = kept_BLD.float().mean(1)
    assert 0.76 < share_BD.mean() < 0.84
    assert ((share_BD > 0.4) & (share_BD < 1)).all()
