"""`make demo`: an image with numpy, numba and flask, built twice and run, on a machine that reaches no conda channel.

What is made on the way (a channel of real packages, a base image) is kept in `.demo/` for the next time.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from demo.base import make_base
from demo.channel import DEMO, ROOT, NotHere, make_channel
from demo.containers import RUNTIMES, Unavailable, opened

_OUTPUT = ROOT.parent / "demo.tar"
_IMAGE = "conda-docker-demo:latest"
_PROGRAM = """
import sys, time
from importlib.metadata import version
print("python " + sys.version.split()[0], *[f"{name} {version(name)}" for name in sys.argv[1:]], sep=", ")
if "numba" in sys.argv:
    import numba, numpy
    @numba.njit
    def estimate(n):
        inside = 0
        for _ in range(n):
            inside += numpy.random.random() ** 2 + numpy.random.random() ** 2 < 1
        return 4 * inside / n
    estimate(1)
    started = time.perf_counter()
    print(f"numba says that pi is {estimate(10_000_000):.3f}, in {time.perf_counter() - started:.2f} s")
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration, and return the exit code: 0 unless something did not work."""
    parser = argparse.ArgumentParser(prog="python -m demo.run", description=__doc__)
    parser.add_argument("packages", nargs="*", default=DEMO, metavar="PACKAGE", help="of the Python index")
    packages = tuple(parser.parse_args(arguments).packages)
    try:
        started = time.monotonic()
        channel = make_channel(packages)
        _tell(f"a channel of {len(channel.archives())} packages: {channel.folder} ({_seconds(started)})")
        started = time.monotonic()
        base = make_base()
        _tell(f"a base image: {base} ({_seconds(started)})")
    except NotHere as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

    cache = ROOT / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    program = Path(sys.executable).with_name("conda-docker")
    command = [str(program)] if program.is_file() else [sys.executable, "-m", "conda_docker"]
    command += ["build", "--base", f"oci:{base}:latest", "--channel", channel.url, "--override-channels"]
    command += ["--image", _IMAGE, "--output", str(_OUTPUT), "--cache-dir", str(cache), *packages]
    times = []
    for _ in ("cold", "warm"):
        _tell(shlex.join(command))
        started = time.monotonic()
        if subprocess.run(command, check=False).returncode != 0:
            return 1
        times.append(_seconds(started))
    _tell(f"the first build took {times[0]}, the second, with a warm cache, {times[1]}")
    return run_everywhere(packages)


def run_everywhere(packages: Sequence[str]) -> int:
    """Run the image with every runtime that is there; return 1 when any of them failed."""
    ran, failed = 0, []
    with opened(_OUTPUT, _IMAGE) as archive:
        for name, run in RUNTIMES.items():
            try:
                printed = run(archive, ["python", "-c", _PROGRAM, *packages])
            except Unavailable as reason:
                _tell(f"{name}: skipped: {reason}")
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                failed.append(name)
                said = error.stderr if isinstance(error.stderr, str) else ""
                _tell(f"{name}: FAILED: {shlex.join(error.cmd[:4])} ...: {said.strip()[-1000:] or error}")
            else:
                ran += 1
                _tell(f"{name}: runs it")
                print(printed, end="", flush=True)
    if failed:
        _tell(f"{', '.join(failed)} could not run the image, for the reasons above; the image is {_OUTPUT}")
    elif not ran:
        _tell(f"none of these is on this machine, so nothing ran the image; it is {_OUTPUT}")
    return 1 if failed else 0


def _tell(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _seconds(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
