"""The published foundation models that can be imported, and those that cannot be yet.

Layouts, inputs and licences were read from the public sources named here; `tests/golden/published_layouts` holds the
layouts with commit and path. No released weights have been at hand, so all stand verified on layout only.
"""

from __future__ import annotations

from engine.contract.card import Preprocessing
from engine.contract.ecgfounder_classes import CLASSES
from engine.contract.published import Family, Gap, Variant, Width

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
SWAPPED = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
"""As MIMIC-IV-ECG has them: aVF before aVL."""

AS_RELEASED = "z-score per lead by PTB-XL's statistics in another lead order, as released, after clipping"
WHOLE_WINDOW = "z-score over all leads of each window"
WHOLE_RANGE = "range over all leads of each window, 0 to 1"
RECORDING = "z-score per lead of the recording"
RANGE = "range per lead of each window, -1 to 1"
SLIDING = "mean over windows"


def _layers(width: int, kind: str, widths: tuple[int, ...]) -> tuple[Width, ...]:
    """The embedding, then each layer."""
    return (Width(name="embedding", width=width), *(Width(name=f"{kind}{n}", width=w) for n, w in enumerate(widths, 1)))


def _s4(name: str, objective: str, parameters: int, file: str, normalisation: str = "none") -> Variant:
    outputs = (
        Width(name="embedding", width=512),
        Width(name="stem", width=512),
        *_layers(512, "block", (512,) * 4)[1:],
    )
    feed = Preprocessing(
        rate_hz=240,
        window_s=2.5,
        normalisation=normalisation,
        missing="linear interpolation per lead, an absent lead is zero",
    )
    return Variant(
        name=name,
        objective=objective,
        backbone="S4, 4 blocks of width 512",
        preprocessing=feed,
        outputs=outputs,
        parameters=parameters,
        files=(file,),
        container="state_dict",
    )


S4_HEADS = (
    "heads, teacher, mask token and codebooks of pretraining: the study drops them too",
    "Fourier nodes: the kernel is computed from its system, at any length",
)

S4_STUDY = Family(
    name="s4-study",
    title="Pretraining strategies study (S4)",
    developer="AI4Health, Oldenburg",
    papers=("https://arxiv.org/abs/2605.12241",),
    code="https://github.com/AI4HealthUOL/ecg-pretraining-strategies (commit 96756429)",
    licence="unknown",
    licence_source="no licence file was found in the repository",
    non_commercial=None,
    corpus="HEEDB, HEEDB-Emory, CODE-15% (11 million recordings)",
    dropped=S4_HEADS,
    departures=(
        "all but CPC are fed the z-score of pretraining, lead order included; the study's own evaluation feeds raw mV",
    ),
    variants=(
        _s4("cpc", "CPC", 2_932_736, "cpc_e10.ckpt"),
        _s4("data2vec", "data2vec", 2_949_120, "the checkpoint that config_data2vec_ecg_s4.yaml names", AS_RELEASED),
        _s4("dinosr", "DinoSR", 2_949_120, "the checkpoint that config_dinosr_ecg_s4.yaml names", AS_RELEASED),
        _s4("jepa", "JEPA", 2_949_120, "jepa_e10.ckpt", AS_RELEASED),
        _s4("hubert++", "HuBERT++", 2_949_120, "hubert++_e10.ckpt", AS_RELEASED),
    ),
)

ECG_CPC = Family(
    name="ecg-cpc",
    title="ECG-CPC",
    developer="AI4Health, Oldenburg",
    papers=("https://arxiv.org/abs/2509.25095",),
    code="https://github.com/AI4HealthUOL/ecg-fm-benchmarking (network as in ecg-pretraining-strategies, 96756429)",
    licence="unknown",
    licence_source="the weights lie on figshare (article 30192604), whose licence was not at hand",
    non_commercial=None,
    corpus="HEEDB (10 million recordings)",
    dropped=S4_HEADS,
    variants=(_s4("cpc", "CPC", 2_932_736, "last_11597276.ckpt"),),
)

FOUNDER_STAGES = (64, 160, 160, 400, 400, 1024, 1024)


def _founder(name: str, leads: tuple[str, ...], parameters: int, file: str) -> Variant:
    feed = Preprocessing(
        leads=leads,
        rate_hz=500,
        window_s=10,
        clip_mv=None,
        filters="notch 50 Hz, quality 30, forward-backward;"
        " band-pass 0.67-40 Hz, Butterworth order 4, forward-backward;"
        " running median of 0.4 s taken off",
        normalisation=WHOLE_WINDOW,
    )
    outputs = _layers(1024, "stage", FOUNDER_STAGES)
    return Variant(
        name=name,
        objective="150 labels, supervised",
        backbone="Net1D, 7 stages",
        preprocessing=feed,
        outputs=outputs,
        classes=CLASSES,
        parameters=parameters,
        files=(file,),
        container="state_dict",
    )


ECGFOUNDER = Family(
    name="ecgfounder",
    title="ECGFounder",
    developer="PKU Digital Health",
    papers=("https://arxiv.org/abs/2410.04133",),
    code="https://github.com/PKUDigitalHealth/ECGFounder (commit 39477dbe)",
    licence="unknown",
    licence_source="no licence file was found in the sources at hand",
    non_commercial=None,
    corpus="HEEDB with the readings of its cardiologists (10 million recordings, 150 labels)",
    dropped=("batch norms that its network holds and never uses",),
    departures=("its makers' scripts for finetuning do not filter",),
    variants=(
        _founder("12-lead", TWELVE, 30_752_646, "12_lead_ECGFounder.pth"),
        _founder("1-lead", ("I",), 30_741_382, "1_lead_ECGFounder.pth"),
    ),
)


def _st_mem(name: str, file: str) -> Variant:
    feed = Preprocessing(
        rate_hz=250,
        window_s=9,
        stride_s=0.5,
        aggregation=SLIDING,
        clip_mv=None,
        filters="high-pass 0.67 Hz, Butterworth order 5, forward-backward;"
        " low-pass 40 Hz, Butterworth order 5, forward-backward",
        normalisation=WHOLE_WINDOW,
    )
    outputs = _layers(768, "block", (768,) * 12)
    return Variant(
        name=name,
        objective="masked autoencoder over time and leads",
        backbone="ViT-B on patches of 0.3 s",
        preprocessing=feed,
        outputs=outputs,
        parameters=85_150_614,
        files=(file,),
        container="model",
    )


ST_MEM = Family(
    name="st-mem",
    title="ST-MEM",
    developer="VUNO",
    papers=("https://openreview.net/forum?id=WcOohbsF4H",),
    code="https://github.com/bakqui/ST-MEM (commit a73d1ef9)",
    licence="contradictory: MIT licence file, all rights reserved in the README",
    licence_source="https://github.com/bakqui/ST-MEM, LICENSE (11095a4d) and README (69ec7024)",
    non_commercial=None,
    corpus="Chapman, Ningbo, CODE-15%",
    dropped=("the decoder that reconstructed hidden patches",),
    departures=("the recording is filtered before it is cut; its makers filter each window",),
    variants=(
        _st_mem("encoder", "st_mem_vit_base_encoder.pth"),
        _st_mem("full", "st_mem_vit_base_full.pth"),
    ),
)


def _ecg_jepa(name: str, file: str) -> Variant:
    feed = Preprocessing(leads=EIGHT, rate_hz=250, window_s=10, clip_mv=None)
    outputs = _layers(768, "block", (768,) * 12)
    return Variant(
        name=name,
        objective=f"JEPA, {name} masks",
        backbone="ViT-B on patches of 0.2 s",
        preprocessing=feed,
        outputs=outputs,
        parameters=85_374_720,
        files=(file,),
        container="encoder",
    )


ECG_JEPA = Family(
    name="ecg-jepa",
    title="ECG-JEPA",
    developer="Sehun Kim, Seoul National University",
    papers=("https://arxiv.org/abs/2410.08559",),
    code="https://github.com/sehunfromdaegu/ECG_JEPA (commit 91902d53)",
    licence="unknown",
    licence_source="no licence file was found in the repository",
    non_commercial=None,
    corpus="Chapman, Ningbo, CODE-15% (176,000 recordings)",
    dropped=(),
    variants=(
        _ecg_jepa("multiblock", "multiblock_epoch100.pth"),
        _ecg_jepa("random", "random_epoch100.pth"),
    ),
)

MERL_FEED = Preprocessing(
    leads=SWAPPED, rate_hz=500, window_s=10, clip_mv=None, normalisation=WHOLE_RANGE, padding="zeros at the end"
)

MERL = Family(
    name="merl",
    title="MERL",
    developer="Imperial College London",
    papers=("https://arxiv.org/abs/2403.06659",),
    code="https://github.com/cheliu-computation/MERL-ICML2024 (commit 7a931dbd)",
    licence="MIT",
    licence_source="https://github.com/cheliu-computation/MERL-ICML2024, LICENSE (495299be)",
    non_commercial=False,
    corpus="MIMIC-IV-ECG with its reports (771,693 recordings)",
    dropped=("a head of ten outputs that was never trained",),
    departures=("in pretraining its input was rounded to thousandths",),
    variants=(
        Variant(
            name="resnet18",
            objective="contrast with reports and with itself",
            backbone="ResNet-18",
            preprocessing=MERL_FEED,
            outputs=_layers(512, "stage", (64, 128, 256, 512)),
            parameters=3_848_832,
            files=("res18_best_encoder.pth",),
        ),
        Variant(
            name="vit-tiny",
            objective="contrast with reports and with itself",
            backbone="ViT-Tiny on patches of 0.1 s",
            preprocessing=MERL_FEED,
            outputs=_layers(192, "block", (192,) * 12),
            parameters=5_473_152,
            files=("vit_tiny_best_encoder.pth",),
        ),
    ),
)


def _hubert(size: str, width: int, depth: int, parameters: int) -> Variant:
    feed = Preprocessing(rate_hz=100, window_s=5, clip_mv=None, normalisation=RANGE)
    outputs = _layers(width, "block", (width,) * depth)
    return Variant(
        name=size,
        objective="HuBERT",
        backbone=f"convolutions and Transformer, {depth} blocks of width {width}",
        preprocessing=feed,
        outputs=outputs,
        parameters=parameters,
        files=(f"hubert-ecg-{size}",),
        pickled=False,
    )


HUBERT_ECG = Family(
    name="hubert-ecg",
    title="HuBERT-ECG",
    developer="University of Brescia",
    papers=("https://www.medrxiv.org/content/10.1101/2024.11.14.24317328",),
    code="https://github.com/Edoar-do/HuBERT-ECG (commit 4daf6b7f)",
    licence="CC BY-NC 4.0",
    licence_source="https://github.com/Edoar-do/HuBERT-ECG, README (09b04811)",
    non_commercial=True,
    corpus="9.1 million recordings from four countries; for finetuning its makers name PTB, PTB-XL, CPSC 2018,"
    " CPSC-Extra, Georgia, Chapman, Ningbo, SPH, CODE, SaMi-Trop and Hefei",
    dropped=("mask token, codebook and the way to it",),
    departures=(
        "its makers band-pass from 0.05 to 47 Hz by an FIR of 0.3 s at 500 Hz, and scale the whole recording, not 5 s",
        "its makers lay the leads end to end before they decimate, so their lead borders run into each other",
    ),
    variants=(
        _hubert("small", 512, 8, 30_209_152),
        _hubert("base", 768, 12, 92_798_080),
        _hubert("large", 960, 16, 187_643_776),
    ),
)

ECG_FM = Family(
    name="ecg-fm",
    title="ECG-FM",
    developer="University of Toronto and Vector Institute",
    papers=("https://arxiv.org/abs/2408.05178",),
    code="https://github.com/Jwoo5/fairseq-signals (commit 539dde76), https://github.com/bowang-lab/ECG-FM (3ff744ef)",
    licence="MIT",
    licence_source="https://github.com/bowang-lab/ECG-FM, LICENSE (5d5a5973)",
    non_commercial=False,
    corpus="MIMIC-IV-ECG and PhysioNet 2021 (CPSC 2018, CPSC-Extra, PTB-XL, Georgia, Ningbo, Chapman and others)",
    dropped=("mask token, codebook and the ways to it",),
    variants=(
        Variant(
            name="pretrained",
            objective="wav2vec 2.0, CMSC and random lead masking",
            backbone="convolutions and Transformer, 12 blocks of width 768",
            preprocessing=Preprocessing(rate_hz=500, window_s=5, clip_mv=None, normalisation=RECORDING),
            outputs=_layers(768, "block", (768,) * 12),
            parameters=90_373_248,
            files=("mimic_iv_ecg_physionet_pretrained.pt",),
            container="model",
        ),
    ),
)

FAMILIES = (S4_STUDY, ECG_CPC, ECGFOUNDER, ST_MEM, ECG_JEPA, MERL, HUBERT_ECG, ECG_FM)

GAPS = (
    Gap(name="the study's Transformer and Net1D", reason="their configurations and weights are not released"),
    Gap(
        name="ECG-JEPA with rotary positions",
        reason="the repository's later network; no released weights of it are known",
    ),
    Gap(
        name="MERL with its text encoder (*_ckpt.pth)",
        reason="zero-shot answers need the text model; take *_encoder.pth",
    ),
    Gap(name="finetuned HuBERT-ECG and ECG-FM classifiers", reason="names and shapes of their heads were not verified"),
)
"""What an importer was asked for and is not there, and why."""


def family(name: str) -> Family | None:
    """By its name."""
    return next((one for one in FAMILIES if one.name == name), None)
