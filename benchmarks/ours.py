"""Builds with conda-docker, from every state that matters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.environments import Environment
from benchmarks.floors import FLOOR
from benchmarks.measure import Sample
from benchmarks.work import Commands, Session, Work, remove

TOOL = "conda-docker"
COLD = "cold, gzip"
CHECKS = MappingProxyType({"checksum": "check of the cached layers", "SHA-256": "the same by SHA-256"})
_CHECK = Path(__file__).parent / "programs" / "check_layers.py"


def build_command(
    session: Session,
    environment: Environment,
    cache: Path,
    *output: str,
    changed: bool = False,
    options: Sequence[str] = (),
) -> list[str]:
    """The command line of a build; with `changed`, the channel with another version of one package comes first."""
    urls = [environment.changed.as_uri()] if changed and environment.changed else []
    channels = [word for url in (*urls, environment.url) for word in ("--channel", url)]
    common = ["--quiet", "build", "--base", "scratch", *channels, "--override-channels", "--cache-dir", str(cache)]
    return [*session.program, *common, *options, *output, *environment.specs]


@dataclass(frozen=True, slots=True)
class Caches:
    """The layer caches of an environment: `cold` is not there before a build, `warm` has all its layers."""

    cold: Path
    warm: Path
    changing: Path

    @classmethod
    def fill(cls, session: Session, environment: Environment) -> Caches:
        """Build once, so that there is a warm cache."""
        caches = cls(*(session.place(f"{state}-{environment.name}") for state in ("cold", "warm", "changing")))
        output = session.place("filled")
        remove(caches.warm, output)
        command = build_command(session, environment, caches.warm, "--image", "demo:1", "--output", f"oci:{output}")
        subprocess.run(command, check=True, capture_output=True, env=session.env, cwd=session.folder)
        remove(output)
        return caches

    def renew_changing(self) -> None:
        """Make `changing` a warm cache that has not seen the changed package."""
        remove(self.changing)
        # Links keep the times by which the cache knows that its files are as they were.
        shutil.copytree(self.warm, self.changing, copy_function=_link)


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target


def checks(caches: Caches) -> list[Work]:
    """Return what of a warm build is for finding layers that a disk has damaged, and what it would be by SHA-256."""

    def check(step: str) -> Work:
        def seconds(sample: Sample, output: str) -> Sample:
            found = json.loads(output)["seconds"][step]
            return Sample(found, found, 0, 0)

        command = [sys.executable, str(_CHECK), str(caches.warm)]
        return Work(name=CHECKS[step], tool=TOOL, prepare=lambda first: [command], take=seconds)

    return [check(step) for step in CHECKS]


def builds(session: Session, environment: Environment, caches: Caches) -> list[Work]:
    """Cold, warm and with one package changed, to a layout and to an archive."""
    layout, archive = session.place("out"), session.place("demo.tar")

    def work(
        name: str,
        cache: Path,
        *options: str,
        output: str = f"oci:{layout}",
        changed: bool = False,
        before: Callable[[], None] = lambda: None,
        floor: str | None = None,
    ) -> Work:
        def prepare(first: bool) -> Commands:
            remove(layout, archive)
            before()
            named = ("--image", "demo:1", "--output", output)
            return [build_command(session, environment, cache, *named, changed=changed, options=options)]

        return Work(name=name, tool=TOOL, prepare=prepare, floor=floor)

    def empty() -> None:
        remove(caches.cold)

    works = [
        work(COLD, caches.cold, before=empty, floor=FLOOR["gzip"]),
        work("cold, gzip, no .pyc", caches.cold, "--bytecode", "never", before=empty, floor=FLOOR["gzip"]),
        work("cold, zstd", caches.cold, "--compression", "zstd", before=empty, floor=FLOOR["zstd"]),
        work("cold, to demo.tar", caches.cold, output=str(archive), before=empty, floor=FLOOR["gzip"]),
        work("warm", caches.warm),
        work("warm, to demo.tar", caches.warm, output=str(archive)),
    ]
    if environment.changed is not None:
        works.append(work("one package changed", caches.changing, changed=True, before=caches.renew_changing))
    return works
