"""`isoline-engine`: the verbs on run folders, for terminals, clusters and the app alike."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.contract.config import KINDS, PretrainConfig
from engine.contract.errors import EXIT_BUG, EXIT_DONE, EXIT_USAGE, EXIT_WORLD, UsageError, WorldError, crash_text
from engine.contract.events import AnyEvent, Finished, read_events
from engine.contract.run import RunFolder
from engine.contract.version import CONTRACT_VERSION, VERSION
from engine.lifecycle import work
from engine.training.slurm import batch_file

EPILOG = "exit codes: 0 done, or stopped as asked; 1 what was found is wrong; 2 what was asked is wrong; 3 a bug"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; 0 done or stopped as asked, 1 the world's error, 2 usage, 3 a bug."""
    # Before numpy is loaded. With own threads BLAS waits for cores that other work holds (an evaluation took 73 s in
    # place of 8 s), and the last digits of its sums depend on their number. Torch has threads of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.act(arguments))
    except UsageError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except WorldError as error:
        print(error, file=sys.stderr)
        return EXIT_WORLD
    except BrokenPipeError:
        return EXIT_DONE
    except Exception as error:
        print(crash_text(error), file=sys.stderr)
        return EXIT_BUG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="isoline-engine", description="Work on Isoline run folders.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"isoline-engine {VERSION}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    check = verbs.add_parser("check", help="tell contract version, torch, devices and what isolates vendors' models")
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(act=_check)

    models = verbs.add_parser("models", help="list the backbones with parameters, tokens and GFLOPs")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(act=_models)

    convert = verbs.add_parser("convert-checkpoint", help="a pickled PyTorch checkpoint as safetensors, by the sandbox")
    convert.add_argument("source", type=Path, metavar="IN.pt")
    convert.add_argument("target", type=Path, metavar="OUT.safetensors")
    convert.add_argument("--key", default="", help="where the weights are, with dots between levels (model.ema)")
    convert.add_argument(
        "--allow-incomplete", action="store_true", help="go on where the sandbox isolates only in part"
    )
    convert.set_defaults(act=_convert)

    outline = verbs.add_parser("outline", help="tell a model file's inputs and outputs as JSON, read in the sandbox")
    outline.add_argument("source", type=Path, metavar="FILE")
    outline.add_argument("--format", choices=("onnx", "torchscript", "pt2"), required=True)
    outline.set_defaults(act=_outline)

    # What a packed program starts as a sandboxed process; nobody calls it by hand, so it is not listed.
    worker = verbs.add_parser("sandbox-worker")
    worker.add_argument("plan")
    worker.set_defaults(act=_sandbox_worker)

    for kind in KINDS:
        verb = verbs.add_parser(kind, help=f"do (or go on with) the {kind} run in a run folder")
        verb.add_argument("run_dir", type=Path, metavar="RUN_DIR")
        verb.set_defaults(act=lambda a, kind=kind: work(kind, a.run_dir))

    watch = verbs.add_parser("watch", help="print what a run says until it ends")
    watch.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    watch.set_defaults(act=_watch)

    stop = verbs.add_parser("stop", help="ask a run to checkpoint and end")
    stop.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    stop.set_defaults(act=_stop)

    slurm = verbs.add_parser("slurm", help="print a Slurm batch file for a pretrain run, one rank a GPU")
    slurm.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    slurm.add_argument("--nodes", type=int, default=1, help="machines (default 1)")
    slurm.add_argument("--gpus", type=int, required=True, help="GPUs of each machine")
    slurm.add_argument("--time", default="24:00:00", help="time limit, as Slurm reads it (default 24:00:00)")
    slurm.add_argument("--partition", default="", help="partition; left out, the cluster chooses")
    slurm.set_defaults(act=_slurm)

    selftest = verbs.add_parser("selftest", help="hold every statistic against other software's values")
    selftest.add_argument("--json", action="store_true", help="as JSON")
    selftest.set_defaults(act=_selftest)

    bench = verbs.add_parser("bench", help="measure this machine: ours beside the published algorithm, one thread")
    bench.add_argument(
        "what",
        choices=["engine", "frozen"],
        help="engine: its own benchmark, some minutes; frozen: what kept tokens are worth to mode 'frozen'",
    )
    bench.add_argument("--only", default="", metavar="ROWS", help="names of rows, with commas between them")
    bench.add_argument("--tiny", action="store_true", help="tiny models, once: whether all works, not how fast")
    bench.add_argument("--json", action="store_true", help="as JSON")
    bench.set_defaults(act=_bench)
    return parser


def _convert(arguments: argparse.Namespace) -> int:
    from engine.zoo.sandbox.convert import convert_checkpoint

    told = arguments
    done = convert_checkpoint(told.source, told.target, key=told.key, allow_incomplete=told.allow_incomplete)
    print(f"{done.tensors:,} tensors with {done.values:,} values, {done.file_bytes:,} bytes")
    print(f"read inside the sandbox: {done.state.in_words}")
    return EXIT_DONE


def _outline(arguments: argparse.Namespace) -> int:
    from engine.zoo.outline import outline

    try:
        told = outline(arguments.source, arguments.format)
    except WorldError as error:
        print(json.dumps({"thing": error.thing, "reason": error.reason, "next_step": error.next_step}))
        return EXIT_WORLD
    print(json.dumps(told))
    return EXIT_DONE


def _sandbox_worker(arguments: argparse.Namespace) -> int:
    from engine.zoo.sandbox.launcher import main as launched

    return launched(arguments.plan)


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.what == "frozen":
        return _bench_frozen(arguments)
    from engine.bench.report import in_words, run

    report = run([name for name in arguments.only.split(",") if name], tiny=arguments.tiny)
    print(json.dumps(report, indent=1) if arguments.json else in_words(report))
    # Unequal results are a bug of ours; a goal that this machine misses is not.
    return EXIT_DONE if report["equal"] else EXIT_BUG


def _bench_frozen(arguments: argparse.Namespace) -> int:
    from engine.estimate.kept_tokens import FULL, TINY, run

    rows = run(TINY if arguments.tiny else FULL)
    if arguments.json:
        print(json.dumps({"rows": rows, "equal": all(row["equal"] for row in rows)}, indent=1))
    else:
        for row in rows:
            told = f"{row['ours_ms']:,.0f} ms, {row['alternative_ms']:,.0f} ms {row['alternative']}"
            print(f"{row['what']}: {told} ({row['ratio']:.1f}x){'' if row['equal'] else ', NOT EQUAL'}")
    return EXIT_DONE if all(row["equal"] for row in rows) else EXIT_BUG


def _selftest(arguments: argparse.Namespace) -> int:
    from engine.selftest.certify import certify

    told = certify()
    if arguments.json:
        print(told.model_dump_json(indent=1))
    else:
        for one in told.subjects:
            print(f"{'WRONG' if one.wrong else 'ok':5}  {one.subject}: {one.numbers} numbers against {one.software}")
        for off in told.deviations:
            found = off.problem if off.found is None else f"{off.found:.12g}"
            print(f"  {off.subject}, {off.case}: {off.quantity} is {found}, expected {off.expected:.12g}")
    return EXIT_DONE if told.right else EXIT_BUG


def _check(arguments: argparse.Namespace) -> int:
    import torch

    from engine.kernels.library import kernels
    from engine.native.samples import samples
    from engine.training.device import describe_devices
    from engine.zoo.sandbox.means import state

    sandbox = state()
    told = {
        "isoline": VERSION,
        "contract": CONTRACT_VERSION,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "devices": describe_devices(),
        "kernels": kernels().told,
        "samples": samples().told,
        "sandbox": {**sandbox.model_dump(mode="json"), "in_words": sandbox.in_words},
    }
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        print(f"isoline {told['isoline']}, contract {told['contract']}, Python {told['python']}, torch {told['torch']}")
        for device in describe_devices():
            print(f"  {device['name']:8} {device['description']}")
        for what, of in (("loops", kernels().told), ("samples", samples().told)):
            print(f"  compiled {what}: {of['state']}, {of['reason']}")
        print(f"  sandbox for vendors' models: {sandbox.in_words}")
        for layer in sandbox.means:
            print(f"    {layer}")
    return EXIT_DONE


def _models(arguments: argparse.Namespace) -> int:
    from engine.backbones.registry import describe_backbones

    rows = describe_backbones()
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return EXIT_DONE
    print(f"{'name':24} {'parameters':>12} {'tokens':>7} {'GFLOPs fwd':>11} {'fwd+bwd':>9}")
    for row in rows:
        print(
            f"{row['name']:24} {row['parameters']:>12,} {row['tokens']:>7} "
            f"{row['forward_gflops']:>11.4f} {row['forward_backward_gflops']:>9.4f}"
        )
    for row in rows:
        if row["counter_note"]:
            print(f"{row['name']}: a counter that says {row['counter_gflops']:.4f} is wrong: {row['counter_note']}")
    return EXIT_DONE


def _watch(arguments: argparse.Namespace) -> int:
    folder, offset = _existing(arguments.run_dir), 0
    last: AnyEvent | None = None
    while True:
        held = folder.lock.is_held()  # asked first: whoever let go of the lock has said all that it will say
        events, offset = read_events(folder.events_path, offset)
        for event in events:
            print(event.model_dump_json(), flush=True)
            last = event
        if not held:
            if isinstance(last, Finished):
                return EXIT_DONE if last.outcome != "failed" else EXIT_WORLD
            print("nobody works on this run; it has not finished", file=sys.stderr)
            return EXIT_WORLD
        time.sleep(0.25)


def _stop(arguments: argparse.Namespace) -> int:
    folder = _existing(arguments.run_dir)
    if not folder.lock.is_held():
        raise WorldError(f"run {folder.path.name}", "nobody works on it", "There is nothing to stop")
    folder.ask_stop()
    return EXIT_DONE


def _slurm(arguments: argparse.Namespace) -> int:
    folder = _existing(arguments.run_dir)
    config = folder.config()
    if not isinstance(config, PretrainConfig):
        raise UsageError(f"run {folder.path.name}", f"it is of kind {config.kind}", "Name a pretrain run")
    told = arguments
    print(batch_file(folder.path, config, told.nodes, told.gpus, told.time, told.partition), end="")
    return EXIT_DONE


def _existing(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if not folder.config_path.exists():
        raise UsageError(f"run folder {path.name}", "it holds no config.json", "Name a run folder made by Isoline")
    return folder
