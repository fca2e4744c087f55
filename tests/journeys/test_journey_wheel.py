"""What a stranger installs: the wheel, outside the checkout, with its shipped files."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source") / "checkout"
    # A clean copy, so that no build folder is left in the checkout and nothing untracked slips in.
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)], check=True, capture_output=True
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel in its own folder, put before everything else; dependencies come from this environment."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel)], check=True
    )
    return target


def test_the_wheel_holds_the_two_packages_and_their_files_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"app", "engine"}
    for needed in (
        "app/_assets/fonts/NotoSans-Regular.ttf",
        "app/_assets/samples/ptbxl/labels.csv",
        "engine/recipes/demo.toml",
    ):
        assert needed in names


def test_the_demo_runs_from_the_wheel_outside_the_checkout(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "2"}
    where = subprocess.run(
        [sys.executable, "-c", "import app, engine; print(app.__file__, engine.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.count(str(installed)) == 2
    said = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--out", str(tmp_path / "demo")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    pdf = next((tmp_path / "demo").rglob("*.pdf"))
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.name in said.stdout
