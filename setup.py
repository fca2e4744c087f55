"""Copies assets/ into the wheel as app/_assets; all metadata stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithAssets(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                Path(__file__).parent / "assets", Path(self.build_lib) / "app" / "_assets", dirs_exist_ok=True
            )


setup(cmdclass={"build_py": BuildWithAssets})
