"""A pixi workspace whose activation sets variables, as an image: this machine's Python sees them in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.image.assemble import build_image
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from demo.base import make_base
from demo.channel import RealChannel
from python_docker.transports import write_image
from tests.peers import Program
from tests.peers.rootfs import run_in_bwrap, unpack_image

PRINT = "import os; print(os.environ['FROM_SCRIPT'], os.environ['DATA'], os.environ['LEVEL'])"
EXPECTED = "/opt/conda/x /opt/conda/share 2"


@pytest.fixture
def manifest(real_channel: RealChannel, tmp_path: Path) -> Path:
    (tmp_path / "setup.sh").write_text("export FROM_SCRIPT=$CONDA_PREFIX/x\nexport LEVEL=1\n")
    path = tmp_path / "pixi.toml"
    path.write_text(
        f"[workspace]\nname = 'app'\nchannels = ['{real_channel.url}']\nplatforms = ['{real_channel.subdir}']\n"
        "[dependencies]\npython = '*'\n[activation]\nscripts = ['setup.sh']\n"
        "env = { DATA = '$CONDA_PREFIX/share', LEVEL = '2' }\n"
    )
    return path


def test_python_sees_what_activation_sets(manifest: Path, tmp_path: Path, umoci: Program) -> None:
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER)
    [resolved] = resolve(Request(files=(manifest,), base=f"oci:{make_base()}", options=options))
    image = build_image(resolved.environment, resolved.base, options).image
    image.name, image.tag = "app", "v1"
    write_image(image, f"oci:{tmp_path / 'layout'}:v1")
    root = unpack_image(umoci, tmp_path / "layout", "v1", tmp_path / "bundle")
    variables = image.config.environment
    assert run_in_bwrap(root, "python", "-c", PRINT, env=variables).stdout.strip() == EXPECTED
    bare = {name: variables[name] for name in ("PATH", "CONDA_PREFIX")}
    command = [*image.config["Entrypoint"], "python", "-c", PRINT]
    assert run_in_bwrap(root, *command, env=bare).stdout.strip() == EXPECTED
