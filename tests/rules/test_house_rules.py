"""Rules of the house that no linter knows."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCES = sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "app").rglob("*.py")])
LONGEST = {"app": 60, "engine": 80}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
FORBIDDEN_LICENCES = ("GPL", "AGPL", "SSPL", "Business Source")
ALLOWED_DESPITE_THE_WORD = {
    "PySide6_Essentials": "LGPL-3.0, shipped as replaceable shared libraries",
    "shiboken6": "LGPL-3.0, shipped as replaceable shared libraries",
    "PySide6-Essentials": "LGPL-3.0, shipped as replaceable shared libraries",
}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1 - (doc.count("\n") + 1 if doc else 0)


def test_packaging_and_tests_never_become_packages_that_shadow_others():
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert importlib.util.find_spec("packaging.version") is not None


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in SOURCES if path.stem in BANNED_NAMES] == []


@pytest.mark.parametrize("package", ["app", "engine"])
def test_no_function_outgrows_the_house(package):
    long = [
        f"{path.relative_to(ROOT)}:{line} {name} ({size})"
        for path in SOURCES
        if path.is_relative_to(ROOT / package)
        for name, line, size in functions(path)
        if size > LONGEST[package]
    ]
    assert long == []


def test_no_file_outgrows_four_hundred_lines():
    assert [str(p.relative_to(ROOT)) for p in SOURCES if p.read_text(encoding="utf-8").count("\n") > 400] == []


def test_every_runtime_dependency_has_a_lower_and_an_upper_bound():
    extras = PROJECT["project"]["optional-dependencies"]
    for requirement in [*PROJECT["project"]["dependencies"], *extras["gui"], *extras["test"]]:
        assert ">=" in requirement, requirement
        assert "<" in requirement, requirement


def test_every_dependency_is_listed_with_its_licence():
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for group in [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]:
        for requirement in group:
            name = requirement.split(">")[0]
            assert f"| {name} |" in page, f"{name} is missing from docs/dependencies.md"


def test_no_installed_runtime_dependency_has_a_licence_that_would_bind_the_product():
    """Walks what the product itself needs, not the tools of its developers."""
    seen, queue = set(), [r.split(">")[0] for r in PROJECT["project"]["dependencies"]]
    queue += [r.split(">")[0] for r in PROJECT["project"]["optional-dependencies"]["gui"]]
    while queue:
        name = queue.pop()
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if found.name in seen:
            continue
        seen.add(found.name)
        told = licence_of(found)
        bad = [word for word in FORBIDDEN_LICENCES if word in told]
        assert not bad or found.name in ALLOWED_DESPITE_THE_WORD, f"{found.name}: {told}"
        queue += [
            r.split(";")[0]
            .split(" ")[0]
            .split("[")[0]
            .split(">")[0]
            .split("=")[0]
            .split("<")[0]
            .split("!")[0]
            .split("~")[0]
            for r in found.requires or []
            if "extra ==" not in r
        ]
    assert len(seen) > 20


def licence_of(found):
    told = found.metadata
    classifiers = [c for c in told.get_all("Classifier") or [] if c.startswith("License")]
    return told.get("License-Expression") or " ".join(classifiers) or (told.get("License") or "")[:200]


def test_the_engine_starts_without_numpy_or_torch_so_that_the_lock_comes_first():
    code = (
        "import sys; import engine.cli; print([m for m in ('numpy', 'torch', 'scipy', 'pandas') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_no_model_is_compiled_by_torch():
    """It wants a compiler where Isoline runs, and nothing has been measured on a GPU that would be worth it."""
    assert [path.name for path in SOURCES if "torch.compile" in path.read_text(encoding="utf-8")] == []


def test_shipped_folders_name_their_licence():
    for folder in ("fonts", "samples/ptbxl", "icons"):
        assert (ROOT / "assets" / folder / "LICENSE.txt").is_file(), folder


def test_the_readme_gives_both_commands_for_each_system():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("-m venv .venv", "isoline demo", "-m pytest"):
        assert readme.count(command) >= 2, command
