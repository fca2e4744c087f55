"""Copies assets/ into the wheel as app/_assets and compiles the optional loops; all metadata is in pyproject.toml."""

import hashlib
import platform
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

SOURCE = "engine/kernels/isoline_kernels.c"
SAMPLES = "engine/native/isoline_samples.c"
RANKS = "engine/native/isoline_ranks.c"
X86 = platform.machine().lower() in ("x86_64", "amd64")


class BuildWithAssets(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                Path(__file__).parent / "assets", Path(self.build_lib) / "app" / "_assets", dirs_exist_ok=True
            )


class BuildPlainLibrary(build_ext):
    """Libraries that ctypes loads: no modules for Python, hence no symbol PyInit to export, and no Python to link."""

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return []

    def build_extension(self, ext: Extension) -> None:
        source = Path(__file__).parent / ext.sources[0]
        digest = hashlib.sha256(source.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
        ext.define_macros = [("ISOLINE_SOURCE", digest)]
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = ["/O2", "/std:c11", "/fp:contract", *(["/arch:AVX2"] if X86 else [])]
        else:
            # No -ffast-math: what is not a number must stay one.
            ext.extra_compile_args = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
            ext.extra_compile_args += ["-ffp-contract=fast", *(["-mavx2", "-mfma"] if X86 else [])]
            ext.extra_compile_args += WIDE if ext.name.endswith("_wide") else []
            ext.libraries = [] if sys.platform == "darwin" else ["m"]
        super().build_extension(ext)


# Optional: where there is no compiler the package installs without them, and torch and numpy do the same, slower. Of
# the kernels the second is the same source for processors with vectors of 512 bits; which is used, loading decides.
WIDE = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
builds = ["compiled", "compiled_wide"] if X86 and sys.platform == "linux" else ["compiled"]
extensions = [Extension(f"engine.kernels.{name}", [SOURCE], optional=True) for name in builds]
extensions += [Extension("engine.native.compiled_samples", [SAMPLES], optional=True)]
extensions += [Extension("engine.native.compiled_ranks", [RANKS], optional=True)]

setup(cmdclass={"build_py": BuildWithAssets, "build_ext": BuildPlainLibrary}, ext_modules=extensions)
