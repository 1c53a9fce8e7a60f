"""What pyproject.toml cannot say: the message classes are generated while the package is built, a source archive carries
the .proto files that this needs, and a build leaves nothing behind. What it would leave beside the sources, the next
one would put into its wheel, also files that have gone from the sources since."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
import generate  # noqa: E402  (a build script beside this one, not an installed module)


class BuildWithMessages(build_py):
    def run(self) -> None:
        super().run()
        if getattr(self, "editable_mode", False):
            generate.generate(HERE / "zmesos")
        else:
            generate.generate(Path(self.build_lib).absolute() / "zmesos")


class ArchiveWithProtos(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        for proto in generate.PROTOS:
            target = Path(base_dir, "proto", proto)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(generate.find_protos() / proto, target)


scratch = Path(tempfile.mkdtemp(prefix="zmesos-build-"))
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
(scratch / "info").mkdir()
setup(
    cmdclass={"build_py": BuildWithMessages, "sdist": ArchiveWithProtos},
    options={"build": {"build_base": str(scratch / "build")}, "egg_info": {"egg_base": str(scratch / "info")}},
)
