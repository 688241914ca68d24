"""Peak memory of a bake of large packages, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.baking.limits import LAYER_MEMORY, OWN_MEMORY
from python_docker.transports import open_image
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer

LIMIT = OWN_MEMORY + LAYER_MEMORY
SIZES = (250 << 20, 100 << 20, 50 << 20)  # bytes of the one file of each package

_BAKE = """
import resource, sys
from pathlib import Path
from conda_docker import bake, find_targets

if __name__ == "__main__":  # processes that solve import this
    modules, out, limit = sys.argv[1:]
    targets = find_targets(modules, base="scratch", output=out)
    bake(targets, jobs=4, memory=int(limit)).raise_for_failures()
    # Not getrusage: what it tells begins with the peak of the process that started this one.
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(line.split()[1]) * 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process alone")
def test_large_packages_take_no_more_memory_than_was_allowed(tmp_path: Path) -> None:
    channel = SyntheticChannel(tmp_path / "channel")
    for number, size in enumerate(SIZES):
        # What compresses well takes little time; what does not makes a large archive of it.
        content = bytes(size - (16 << 20)) + os.urandom(16 << 20)
        channel.add(SyntheticPackage(name=f"large-{number}", files={f"lib/large-{number}.so": File(content)}))
        del content
    server = ChannelServer(channel.folder).start()
    for number in range(len(SIZES)):
        folder = tmp_path / "modules" / f"tool-{number}"
        folder.mkdir(parents=True)
        wanted = "".join(f"  - large-{each}\n" for each in range(number + 1))
        (folder / "environment.yml").write_text(f"channels:\n  - {server.url}\ndependencies:\n{wanted}")
    script = tmp_path / "bake.py"
    script.write_text(_BAKE)
    arguments = [str(tmp_path / "modules"), str(tmp_path / "out"), str(LIMIT)]
    try:
        ended = subprocess.run(
            [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        server.stop()
    assert ended.returncode == 0, ended.stderr
    assert max(map(int, ended.stdout.split())) < LIMIT
    image = open_image(f"oci:{tmp_path / 'out' / 'tool-2'}")
    assert len([layer for layer in image.layers if layer.size > 16 << 20]) == len(SIZES)
