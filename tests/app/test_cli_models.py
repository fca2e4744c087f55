"""The verbs on vendors' models and predictions: what they say, refuse and exit with."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from core_cases import make_workspace
from external_cases import archive, graph, safetensors

from app import cli
from app.commands.external_models import command_kept
from app.workspace import Workspace

CARD = """
name = "codec"
licence = "CC BY-NC 4.0"
{licence}
[lineage]
corpus = "declined"
[preprocessing]
leads = ["II"]
rate_hz = 500
window_s = 10
axes = "batch time"
[[outputs]]
name = "y"
kind = "logits"
classes = ["NORM", "MI"]
activation = "softmax"
"""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("models") / "ward", count=4)


@pytest.fixture
def say(ward: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*words: object) -> tuple[int, str, str]:
        # What follows --command belongs to the program: the workspace stands before it.
        told = [*(str(word) for word in words)]
        place = told.index("--command") if "--command" in told else len(told)
        code = cli.main([*told[:place], "-w", str(ward), *told[place:]])
        out = capsys.readouterr()
        return code, re.sub(r"\s+", " ", out.out), re.sub(r"\s+", " ", out.err)

    return said


@pytest.fixture
def card(tmp_path: Path) -> Path:
    file = tmp_path / "card.toml"
    file.write_text(CARD.format(licence="non_commercial = false"), encoding="utf-8")
    return file


def test_a_card_is_written_filled_in_checked_and_registered(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = graph(tmp_path, "codec.onnx", node="cli")
    assert cli.main(["model", "card", "new", "--for", str(file)]) == 0
    form = capsys.readouterr().out
    (tmp_path / "form.toml").write_text(form, encoding="utf-8")
    assert cli.main(["model", "card", "check", str(tmp_path / "form.toml")]) == 1
    assert "preprocessing.rate_hz: it is needed" in capsys.readouterr().out
    (tmp_path / "good.toml").write_text(CARD.format(licence="non_commercial = false"), encoding="utf-8")
    assert cli.main(["model", "card", "check", str(tmp_path / "good.toml")]) == 0
    assert "A model can be registered with this card" in capsys.readouterr().out
    code, out, _ = say("model", "add", file, "--card", tmp_path / "good.toml", "--product", "codec", "--version", "v6")
    assert code == 0
    assert "Model registered: codec" in out
    assert "Assumed, and to be asked for: Windows to one answer, Units" in out
    _, out, _ = say("model", "show", "codec")
    assert "Trained on declined" in out
    assert "Product codec, registered versions: v6 (codec)" in out
    _, out, _ = say("model", "list")
    assert "external, ONNX graph" in out
    assert say("model", "versions", "codec")[0] == 0
    assert say("model", "versions", "nothing")[0] == 2
    assert "Nothing is known before or after codec" in say("model", "lineage", "codec")[1]
    assert "kept in the audit trail" in say("model", "agree", "codec", "--incomplete-sandbox")[1]


def test_a_licence_that_forbids_commercial_use_asks_for_a_reason(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "nc.toml"
    file.write_text(CARD.format(licence="non_commercial = true"), encoding="utf-8")
    words = ["model", "add", graph(tmp_path, node="nc"), "--card", file, "--name", "nc"]
    code, _, err = say(*words)
    assert (code, "--reason TEXT" in err) == (2, True)
    code, out, _ = say(*words, "--reason", "a study without profit", "--json")
    assert (code, json.loads(out)["card"]["reason"]) == (0, "a study without profit")
    assert "Why it is used all the same a study without profit" in say("model", "show", "nc")[1]


def test_a_program_takes_all_that_follows_and_a_service_must_be_here(say: Say, tmp_path: Path, card: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "run.py").write_text("pass", encoding="utf-8")
    words = ["model", "add", folder, "--card", card, "--name", "program", "--json"]
    code, out, _ = say(*words, "--command", "--", "python", "run.py", "--name", "theirs")
    assert (code, json.loads(out)["name"]) == (0, "program")
    assert command_kept(["model", "add", "x", "--command", "a", "-w", "b"])[-1] == '["a", "-w", "b"]'
    assert command_kept(["jobs", "--command", "a"]) == ["jobs", "--command", "a"]
    code, _, err = say("model", "add", "--card", card, "--endpoint", "http://10.0.0.7/predict")
    assert (code, "recordings are sent nowhere else" in err) == (2, True)


def test_what_cannot_be_taken_says_why_and_what_to_do(say: Say, tmp_path: Path, card: Path) -> None:
    code, _, err = say("model", "add", graph(tmp_path, node="bare"))
    assert (code, "isoline model card new --for FILE" in err) == (2, True)
    assert str(tmp_path) not in err
    code, _, err = say("model", "add", archive(tmp_path / "c.pt", "c/data.pkl"))
    assert (code, "isoline-engine convert-checkpoint" in err) == (1, True)
    code, _, err = say("model", "add", safetensors(tmp_path / "w"), "--card", card, "--name", "weights")
    assert (code, "--architecture NAME" in err) == (2, True)
    unclear = tmp_path / "unclear.toml"
    unclear.write_text(CARD.format(licence=""), encoding="utf-8")
    code, out, _ = say("model", "add", graph(tmp_path, node="unclear"), "--card", unclear, "--name", "unclear")
    assert (code, "allows commercial use is not known: ask its maker" in out) == (0, True)
    code, _, err = say("model", "add", tmp_path / "nowhere.onnx", "--card", card)
    assert (code, "there is no such file" in err) == (1, True)


def test_predictions_say_what_they_are_and_whose_word_a_mapping_is(say: Say, ward: Path, tmp_path: Path) -> None:
    with Workspace.open(ward) as workspace:
        names = [row.source_name for row in workspace.records()]
    file = tmp_path / "rhythms.csv"
    file.write_text("record,category\n" + "\n".join(f"{name},{'SR' if n else 'AF'}" for n, name in enumerate(names)))
    words = ["model", "add", file, "--map", "AF=atrial fibrillation", "--map", "SR="]
    code, _, err = say(*words)
    assert (code, "--mapped-by NAME" in err) == (2, True)
    code, out, _ = say(*words, "--mapped-by", "Dr. Roe")
    assert (code, "mapped to labels by Dr. Roe: AF = atrial fibrillation; SR = no label" in out) == (0, True)
    assert "Taken as: category" in out
    wide = tmp_path / "wide.csv"
    wide.write_text("record,AF,MI\n" + "\n".join(f"{name},{n % 2},0.{n}" for n, name in enumerate(names)))
    code, out, _ = say("model", "add", wide, "--as", "MI=probability", "--json")
    assert (code, json.loads(out)["card"]["output"]) == (0, "binary flag, probability")
    assert say("model", "add", wide, "--as", "nonsense")[0] == 2
    assert say("model", "add", wide, "--as", "flag", "--as", "score")[0] == 2
    code, _, err = say("model", "add", "--baseline", "--reason", "none")
    assert (code, "it is of a vendor's model" in err) == (2, True)
    code, _, err = say("model", "add", "--baseline", "--as", "flag")
    assert (code, "only scores from a file can be called so" in err) == (2, True)
