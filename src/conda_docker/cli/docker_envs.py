"""The command line of the first release, `python -m docker_envs build`, where `-p` is a package."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn


def cli(args: Sequence[str]) -> None:
    """Run a command line of the first release: raises `SystemExit` unless it ends well."""
    if code := run(args):
        raise SystemExit(code)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run a command line of the first release, this process's own when `args` is None, and end the process."""
    from conda_docker.cli import main as conda_docker

    try:
        translated = translate(sys.argv[1:] if args is None else args)
    except SystemExit as end:
        sys.exit(end.code)
    conda_docker(translated, program="docker_envs")


def run(args: Sequence[str]) -> int:
    """Run a command line of the first release and give its exit code."""
    from conda_docker.cli import run as conda_docker

    return conda_docker(translate(args), program="docker_envs")


def translate(args: Sequence[str]) -> list[str]:
    """Return the arguments of `conda-docker` that mean the same. Raises `SystemExit` for help and for wrong usage.

    >>> translate(["build", "-p", "numpy", "-p", "flask", "-o", "demo.tar"])[-3:]
    ['--', 'numpy', 'flask']
    """
    parser = argparse.ArgumentParser(prog="docker_envs", description="Docker images from conda packages.")
    commands = parser.add_subparsers(metavar="COMMAND")
    build = commands.add_parser("build", help="build an image", description="Build an image from conda packages.")
    build.set_defaults(build=True)
    build.add_argument("-b", "--base", default="continuumio/miniconda3:latest", help="base image [%(default)s]")
    build.add_argument("-i", "--image", default="docker_envs:latest", help="name of the result [%(default)s]")
    build.add_argument(
        "-p", "--package", action="append", required=True, metavar="SPEC", help="a package to put in; repeatable"
    )
    build.add_argument("-o", "--output", required=True, metavar="FILE", help="the archive to write")
    chosen = parser.parse_args(args)
    if not hasattr(chosen, "build"):
        parser.print_help()
        raise SystemExit(1)
    # Any name of a file was an archive then.
    output = chosen.output if ":" in chosen.output else f"docker-archive:{chosen.output}"
    return ["build", "-b", chosen.base, "-i", chosen.image, "-o", output, "--", *chosen.package]
