"""From axes to runs, and which recordings each of them gets."""

import pytest

from engine.contract.config import CPCConfig, JEPAConfig, Net1DConfig, S4Config, StudyConfig, TransformerConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow
from engine.study.grid import cells, run_name
from engine.study.subsets import Subsets, read_sizes

MANIFEST = [
    *[ManifestRow(f"r{n:03}", f"p{n // 2:03}", "train") for n in range(40)],
    *[ManifestRow(f"v{n:03}", f"q{n:03}", "validation") for n in range(5)],
]
BASE = {"batch_size": 4, "steps": 7}


def study(axes, **settings):
    entries = {
        "backbones": {"s4": S4Config(width=16), "net1d": Net1DConfig(width=32), "t": TransformerConfig(width=16)},
        "objectives": {"cpc": CPCConfig(), "jepa": JEPAConfig(), "cpc-released": CPCConfig(fidelity="as_released")},
    }
    return StudyConfig(axes=axes, **{"base": BASE, **entries, **settings})


def grid(config):
    sizes = read_sizes(config.axes.get("records", ()), config.name)
    return cells(config, Subsets(MANIFEST, sizes, config.layout, config.subset_seed))


def ids(rows):
    return {row.record_id for row in rows}


def test_every_combination_of_the_axes_is_one_run_and_the_last_axis_varies_fastest():
    made = grid(study({"backbone": ("s4", "t"), "seed": (0, 1)}))
    assert [cell.values for cell in made] == [
        {"backbone": "s4", "seed": 0},
        {"backbone": "s4", "seed": 1},
        {"backbone": "t", "seed": 0},
        {"backbone": "t", "seed": 1},
    ]
    assert [cell.number for cell in made] == [1, 2, 3, 4]


def test_cpc_gets_the_causal_variant_and_the_others_the_bidirectional_one():
    made = grid(study({"backbone": ("s4", "t", "net1d"), "objective": ("cpc", "jepa")}))
    assert [cell.config.backbone.causal for cell in made] == [True, False] * 3


def test_released_cpc_on_net1d_sees_the_future_as_the_published_one_did():
    made = grid(study({"backbone": ("s4", "net1d"), "objective": ("cpc-released",)}))
    assert [cell.config.leaks for cell in made] == [False, True]


def test_as_named_leaves_a_pair_that_cannot_work_refused_with_the_sentence_of_the_config():
    made = grid(study({"backbone": ("net1d", "s4"), "objective": ("cpc",)}, directions="as_named"))
    assert made[0].config is None
    assert made[0].refusal.startswith("CPC needs a causal backbone")
    assert made[1].config is not None


def test_a_refused_pair_ends_the_study_when_it_was_asked_to_fail():
    with pytest.raises(WorldError, match="CPC needs a causal backbone"):
        grid(study({"backbone": ("net1d", "s4"), "objective": ("cpc",)}, directions="as_named", refused="fail"))


def test_a_study_in_which_nothing_can_work_is_refused_as_a_whole():
    with pytest.raises(WorldError, match="fewer than a batch of 41"):
        grid(study({"seed": (0,)}, base={"batch_size": 41}))


def test_dotted_axes_reach_into_backbone_and_objective_and_beat_the_base():
    axes = {"backbone.width": (16, 32), "objective.fidelity": ("as_released",), "learning_rate": (0.01,)}
    made = grid(study(axes, base={**BASE, "learning_rate": 0.5}))
    assert [cell.config.backbone.width for cell in made] == [16, 32]
    assert {cell.config.objective.fidelity for cell in made} == {"as_released"}
    assert {cell.config.learning_rate for cell in made} == {0.01}


def test_a_field_that_no_pretraining_has_is_the_fault_of_the_study_not_of_its_runs():
    with pytest.raises(WorldError, match="no pretraining has a field learning_speed"):
        grid(study({"learning_speed": (1, 2)}))


@pytest.mark.parametrize("part", ["objective", "backbone"])
def test_a_base_that_an_axis_would_replace_is_refused_and_not_ignored(part):
    values, base = {"objective": ("jepa",), "backbone": ("t",)}[part], {"objective": "cpc", "backbone": "s4"}[part]
    with pytest.raises(UsageError, match=f"base.{part} is given beside the axis {part}"):
        grid(study({part: values}, base={**BASE, part: {"name": base}}))


def test_what_was_asked_wrongly_is_a_fault_of_usage_and_too_few_recordings_are_not():
    wrong = (study({"learning_speed": (1, 2)}), study({"records": (True, 0)}))
    leaking = study({"backbone": ("net1d",), "objective": ("cpc",)}, directions="as_named")
    for config in (*wrong, leaking):
        with pytest.raises(UsageError):
            grid(config)
    with pytest.raises(WorldError, match="fewer than a batch of 41") as told:
        grid(study({"seed": (0,)}, base={"batch_size": 41}))
    assert not isinstance(told.value, UsageError)


def test_a_boolean_axis_reaches_its_field_and_no_other():
    made = grid(study({"objective": ("jepa",), "backbone.causal": (True, False)}))
    assert [cell.config.backbone.causal for cell in made] == [True, False]
    with pytest.raises(UsageError, match="steps: a number is needed, not true"):
        grid(study({"steps": (True,)}))


def test_epochs_become_steps_by_whole_batches_of_each_size():
    made = grid(study({"records": (10, 22, 0)}, budget="epochs", epochs=2.5))
    assert [cell.config.steps for cell in made] == [int(2.5 * (n // 4)) for n in (10, 22, 40)]


def test_with_a_budget_of_steps_all_sizes_train_as_long():
    assert {cell.config.steps for cell in grid(study({"records": (10, 0)}))} == {7}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nested_sizes_hold_each_other_and_whole_patients(seed):
    subsets = Subsets(MANIFEST, [6, 11, 30], "nested", seed)
    six, eleven, thirty, everything = (subsets.of({"records": size}).rows for size in (6, 11, 30, 0))
    assert ids(six) < ids(eleven) < ids(thirty) < ids(everything)
    assert [len(rows) for rows in (six, eleven, thirty)] == [6, 10, 30]
    for rows in (six, eleven, thirty):
        assert len(rows) == 2 * len({row.patient for row in rows})


def test_another_seed_takes_other_patients():
    first, second = (ids(Subsets(MANIFEST, [10], "nested", seed).of({"records": 10}).rows) for seed in (0, 1))
    assert first != second


def test_the_order_of_the_manifest_does_not_matter():
    forward = Subsets(MANIFEST, [10], "nested", 0).of({"records": 10}).rows
    backward = Subsets(MANIFEST[::-1], [10], "nested", 0).of({"records": 10}).rows
    assert ids(forward) == ids(backward)


def test_partitions_share_no_patient_while_there_are_enough_and_say_so_when_not():
    subsets = Subsets(MANIFEST, [8, 16, 30], "partitions", 0)
    eight, sixteen, thirty = (subsets.of({"records": size}) for size in (8, 16, 30))
    assert not ids(eight.rows) & ids(sixteen.rows)
    assert eight.note == sixteen.note == ""
    assert "shares patients with smaller ones" in thirty.note
    assert len(thirty.rows) == len(ids(thirty.rows)) == 30


def test_a_size_beyond_the_recordings_is_refused():
    made = grid(study({"records": (41, 0)}))
    assert made[0].refusal == "there are 40 training records, 41 are asked for"
    assert made[1].config is not None


def test_all_runs_watch_the_same_held_out_recordings():
    subsets = Subsets(MANIFEST, [6], "nested", 0)
    for size in (6, 0):
        assert [row for row in subsets.manifest({"records": size}) if row.split == "validation"] == MANIFEST[40:]


def test_an_axis_of_collections_trains_on_one_at_a_time():
    corpora = {row.record_id: "even" if n % 4 < 2 else "odd" for n, row in enumerate(MANIFEST)}
    subsets = Subsets(MANIFEST, [10], "nested", 0, corpora)
    for corpus in ("even", "odd"):
        rows = subsets.of({"corpus": corpus, "records": 10}).rows
        assert {corpora[row.record_id] for row in rows} == {corpus}
        assert len(rows) == 10


def test_runs_are_named_by_their_place():
    values = {"backbone": "s4", "records": 0, "learning_rate": 0.003, "backbone.width": 64, "seed": 1}
    assert run_name(values) == "s4 all records learning_rate 0.003 width 64 seed 1"


def test_as_released_brings_the_released_normalisation_unless_that_is_an_axis_itself():
    axes = {"objective": ("cpc", "jepa"), "objective.fidelity": ("intended", "as_released")}
    assert [cell.config.normalisation for cell in grid(study(axes))] == ["none", "none", "none", "ptbxl_as_released"]
    kept = grid(study(axes | {"normalisation": ("none",)}))
    assert {cell.config.normalisation for cell in kept} == {"none"}
    assert {cell.config.normalisation for cell in grid(study(axes, released_signal=False))} == {"none"}


def test_a_start_is_fresh_or_goes_on_from_the_parent_of_the_base():
    axes = {"start": ("fresh", "continued")}
    made = grid(study(axes, base={**BASE, "parent": "folder"}))
    assert [cell.config.parent for cell in made] == ["", "folder"]
    with pytest.raises(WorldError, match=r"base\.parent names what is gone on from"):
        grid(study(axes))
