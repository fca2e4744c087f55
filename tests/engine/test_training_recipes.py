"""Every shipped recipe is a valid config; a missing or broken one is refused with its name."""

import subprocess
import sys

import pytest

from engine.contract.config import CPCConfig, PretrainConfig, S4Config, parse_config
from engine.contract.errors import UsageError, WorldError
from engine.recipes import FOLDER, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_a_pretraining_config_headed_by_command_cost_and_result(name):
    config = parse_config({"kind": "pretrain", **load_recipe(name)})
    assert isinstance(config, PretrainConfig)
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    head = text[: text.index("\n\n")]
    for word in ("# Command:", f"isoline pretrain {name}", "# Cost:", "# Result:"):
        assert word in head


def test_the_studys_recipe_is_the_study():
    config = PretrainConfig(**load_recipe("cpc-s4"))
    assert (config.backbone, config.objective) == (S4Config(), CPCConfig())
    assert (config.learning_rate, config.backbone_factor, config.stem_factor) == (3e-3, 0.1, 0.01)
    assert (config.batch_size, config.weight_decay, config.clip_mv) == (64, 1e-3, 3.0)


def test_an_unknown_recipe_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"cpc-s4, .*demo, "):
        load_recipe("no-such-recipe")


def test_a_recipe_may_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("steps = 3\n")
    assert load_recipe(str(path)) == {"steps": 3}
    path.write_text("steps = \n")
    with pytest.raises(WorldError, match=r"mine\.toml.*cannot be read"):
        load_recipe(str(path))


def test_reading_a_recipe_needs_no_torch():
    code = "import sys; from engine.recipes import load_recipe; load_recipe('demo'); print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
