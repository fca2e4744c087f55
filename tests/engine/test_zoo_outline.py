"""A model's file is read in the sandbox, alone in a folder of its own."""

from types import SimpleNamespace

import pytest

from engine import cli
from engine.contract.errors import WorldError
from engine.zoo.outline import outline
from engine.zoo.sandbox import session


class Shut:
    """A session that tells what stood in the model's folder."""

    seen: tuple[str, ...] = ()

    def __init__(self, kind, folder, entry):
        Shut.seen = tuple(sorted(one.name for one in folder.iterdir()))
        port = SimpleNamespace(name="x", shape=(None, 12, "time"))
        self.graph = SimpleNamespace(inputs=(port,), outputs=(), parameters=7)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing to end."""


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "Session", Shut)
    (tmp_path / "secret.txt").write_text("of the hospital")
    (tmp_path / "model.pt").write_bytes(b"PK")
    return tmp_path / "model.pt"


def test_ports_are_told_and_what_stands_beside_the_file_is_not_seen(model):
    told = outline(model, "torchscript")
    assert told == {"inputs": [{"name": "x", "axes": ["?", "12", "time"]}], "outputs": [], "parameters": 7}
    assert Shut.seen == ("model.pt",)


def test_weights_alone_tell_nothing(model):
    with pytest.raises(WorldError, match="tells nothing of itself"):
        outline(model, "safetensors")


def test_the_verb_prints_ports_or_the_refusal_as_json(model, capsys):
    assert cli.main(["outline", str(model), "--format", "torchscript"]) == 0
    assert '"parameters": 7' in capsys.readouterr().out
    assert cli.main(["outline", str(model.with_name("gone.pt")), "--format", "pt2"]) != 0
    assert "it cannot be copied" in capsys.readouterr().out
