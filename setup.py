"""The two things that pyproject.toml cannot say: build the library first, and tag the wheel py3-none-<platform>."""

import os
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build_ffi


class BuildLibrary(build_py):
    """Release profile for a wheel, development profile for an editable install; CODEX_CFFI_PROFILE overrides."""

    def run(self) -> None:
        default = "dev" if self.editable_mode else "release"
        build_ffi.build(os.environ.get("CODEX_CFFI_PROFILE", default))
        super().run()


class PlatformWheel(bdist_wheel):
    """The library is loaded by path (cffi's ABI mode), so any Python 3 of the platform can use the wheel."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(cmdclass={"build_py": BuildLibrary, "bdist_wheel": PlatformWheel}, distclass=BinaryDistribution)
