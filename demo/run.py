"""`make demo`: two images, each built twice and run, on a machine that reaches no conda channel.

The first has numpy, numba and flask from conda packages; the second is described by an environment.yml, whose `pip:`
section adds wheels of the Python index. What is made on the way (a channel of real packages, a base image, that
environment.yml, a cache) is kept in `.demo/`, so that the commands can be repeated; the cache is made anew each time.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.base import make_base
from demo.channel import DEMO, ROOT, NotHere, make_channel
from demo.containers import RUNTIMES, Unavailable, opened
from python_docker import open_image
from python_docker.errors import Error

CONDA, WITH_PIP = "conda-docker-demo:latest", "conda-docker-demo:pip"
OUTPUTS = {CONDA: ROOT.parent / "demo.tar", WITH_PIP: ROOT.parent / "demo-pip.tar"}
"""The archives that images are written to, by their names."""

_CONDA_PROGRAM = """
import sys, time
from importlib.metadata import version
print("python " + sys.version.split()[0], *[f"{name} {version(name)}" for name in sys.argv[1:]], sep=", ")
if "numba" in sys.argv:
    import numba, numpy
    @numba.njit
    def estimate(n):
        numpy.random.seed(0)
        inside = 0
        for _ in range(n):
            inside += numpy.random.random() ** 2 + numpy.random.random() ** 2 < 1
        return 4 * inside / n
    estimate(1)
    started = time.perf_counter()
    print(f"numba says that pi is {estimate(10_000_000):.3f}, in {time.perf_counter() - started:.2f} s")
"""

PIP = ("pip", "pandas", "black")
"""The `pip:` section: pandas needs numpy, which conda brings; black is compiled and has commands."""

_PIP_PROGRAM = """
import json, subprocess, sys
from importlib.metadata import distribution

def output(*command):
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)}: {ended.stdout}{ended.stderr}")
    return ended.stdout.strip()

listed = json.loads(output("pip", "list", "--format", "json"))
by_pip = [row for row in listed if distribution(row["name"]).read_text("INSTALLER").strip() != "conda"]
print(f"pip list: {len(listed)} packages, {len(by_pip)} of them from wheels:",
      ", ".join(f"{row['name']} {row['version']}" for row in by_pip))
print("pip check:", output("pip", "check"))
print("black --version:", output("black", "--version").splitlines()[0])
import numpy, pandas
assert pandas.DataFrame({"a": [1, 2]}).a.sum() == 3
print(f"pandas {pandas.__version__} computes with conda's numpy {numpy.__version__}")
"""


@dataclass(frozen=True, slots=True)
class Example:
    """An image to build: `wanted` are the words of the command line that ask for its packages.

    `output` is the docker archive that it is written to, `command` what is then run in a container.
    """

    image: str
    output: Path
    wanted: tuple[str, ...]
    command: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration, and return the exit code: 0 unless something did not work."""
    parser = argparse.ArgumentParser(prog="python -m demo.run", description=__doc__)
    parser.add_argument("packages", nargs="*", default=DEMO, metavar="PACKAGE", help="of the Python index")
    packages = tuple(parser.parse_args(arguments).packages)
    cache, file = ROOT / "cache", ROOT / "environment.yml"
    try:
        clear(cache, OUTPUTS)
        started = time.monotonic()
        _tell(f"a channel of {', '.join(packages)} and what they need, from this Python and wheels of the Python index")
        _tell("(the first time that takes about a minute; it is kept in .demo/)")
        channel = make_channel(packages)
        _tell(f"it has {len(channel.archives())} packages: {channel.folder} ({_seconds(started)})")
        started = time.monotonic()
        base = make_base()
        _tell(f"a base image: {base} ({_seconds(started)})")
    except NotHere as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    file.write_text(environment_file(channel.url, packages))
    failures = [show(example, f"oci:{base}:latest", cache) for example in examples_of(packages, channel.url, file)]
    _tell(f"what these commands name is still there; `make clean` removes it: {ROOT}")
    print(f"To build one of your own:\n  {own_command(base, channel.folder, packages)}", flush=True)
    return max(failures)


def own_command(base: Path, channel: Path, packages: Sequence[str]) -> str:
    """Return a command that builds another image of what the demonstration made, from the folder of the clone."""
    program, base, channel = (
        path.relative_to(ROOT.parent) if path.is_relative_to(ROOT.parent) else path
        for path in (Path(sys.executable).with_name("conda-docker"), base, channel)
    )
    command = [str(program), "build", "-b", f"oci:{base}:latest", "-c", str(channel), "--override-channels"]
    return shlex.join([*command, "-i", "mine:1.0", "-o", "mine.tar", packages[-1]])


def examples_of(packages: Sequence[str], channel: str, file: Path) -> tuple[Example, ...]:
    """Return the images of the demonstration: of `packages` from the channel at that URL, and of an environment.yml."""
    return (
        Example(
            CONDA,
            OUTPUTS[CONDA],
            ("--channel", channel, "--override-channels", *packages),
            ("python", "-c", _CONDA_PROGRAM, *packages),
        ),
        Example(
            WITH_PIP,
            OUTPUTS[WITH_PIP],
            ("--file", str(file)),
            ("python", "-c", _PIP_PROGRAM),
        ),
    )


def clear(cache: Path, outputs: Mapping[str, Path]) -> None:
    """Remove the cache of an earlier demonstration. Raises `NotHere` for files in the way that are not from one.

    `outputs` are the archives that will be written, by the names of their images.
    """
    for name, output in outputs.items():
        if output.exists() and name_of(output) != name:
            raise NotHere(f"{output} is not from an earlier demonstration; move it somewhere else")
    if cache.exists():
        if not (cache / "CACHEDIR.TAG").is_file():
            raise NotHere(f"{cache} is not the cache of an earlier demonstration; move it somewhere else")
        shutil.rmtree(cache)


def name_of(archive: Path) -> str | None:
    """Return the name of the image in a docker archive; None where there is none."""
    try:
        return open_image(f"docker-archive:{archive}").reference.familiar
    except Error:
        return None


def environment_file(channel: str, packages: Sequence[str]) -> str:
    """Return an environment.yml with these packages of the channel at that URL, and with a `pip:` section."""
    conda = "".join(f"  - {package}\n" for package in ("python", *packages))
    pip = "".join(f"    - {requirement}\n" for requirement in PIP)
    return f"channels:\n  - {channel}\n  - nodefaults\ndependencies:\n{conda}  - pip:\n{pip}"


def show(example: Example, base: str, cache: Path) -> int:
    """Build an example twice and run it with every runtime that is there; return 1 when any of that failed."""
    program = Path(sys.executable).with_name("conda-docker")
    command = [str(program)] if program.is_file() else [sys.executable, "-m", "conda_docker"]
    command += ["build", "--base", base, "--image", example.image, "--output", str(example.output)]
    command += ["--cache-dir", str(cache), *example.wanted]
    times = []
    for _ in ("first", "second"):
        _tell(shlex.join(command))
        started = time.monotonic()
        if subprocess.run(command, check=False).returncode != 0:
            return 1
        times.append(_seconds(started))
    _tell(f"the first build took {times[0]}, the second, with a warm cache, {times[1]}: {example.output}")
    return run_everywhere(example)


def run_everywhere(example: Example) -> int:
    """Run the image with every runtime that is there; return 1 when any of them failed."""
    ran, failed = 0, []
    with opened(example.output, example.image) as archive:
        for name, run in RUNTIMES.items():
            try:
                printed = run(archive, example.command)
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
        _tell(f"{', '.join(failed)} could not run the image, for the reasons above; the image is {example.output}")
    elif not ran:
        _tell(f"none of these is on this machine, so nothing ran the image; it is {example.output}")
    return 1 if failed else 0


def _tell(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _seconds(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
