"""Other tools at the same work: an environment that rattler installs, made an image, or at least an archive."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.measure import Server
from benchmarks.ours import COLD
from benchmarks.work import Commands, Session, Work, remove
from tests.peers.engine import DockerEngine

_PROGRAMS = Path(__file__).parent / "programs"
_PREFIX = "opt/conda"
_ACCEPT_ANYTHING = {"default": [{"type": "insecureAcceptAnything"}]}


@dataclass(frozen=True, slots=True)
class Peers:
    """The other tools that are on this machine; `missing` says of the others why not."""

    session: Session
    engine: DockerEngine | None
    python_docker: Path | None
    missing: dict[str, str]
    wanted: bool = True

    def works(self, environment: Environment, *, slow: bool = True) -> list[Work]:
        """Every peer's way from the packages to what it makes of them; without `slow`, those that take minutes not."""
        if not self.wanted:
            return []
        root = self.session.place("root")
        output = self.session.place("peer-out")
        works = [self._work("installed, no image", "rattler", environment, [])]
        if self.has("umoci"):
            image = f"{shlex.quote(str(output))}:1"
            script = f"""
                umoci init --layout {shlex.quote(str(output))}
                umoci new --image {image}
                umoci insert --image {image} {shlex.quote(f"{root}/{_PREFIX}")} /{_PREFIX}
            """
            works.append(self._work("cold, gzip", "rattler + umoci", environment, [_shell(script)]))
        tar = f"tar --create --directory {shlex.quote(str(root))} --owner 0 --group 0 --file - opt"
        for name, compressor in (("gzip", "gzip"), ("zstd", "zstd --threads=0 --quiet")):
            if self.has(name) and (slow or name != "gzip"):
                command = _shell(f"{tar} | {compressor} > {shlex.quote(str(output))}")
                works.append(
                    self._work(f"cold, {name}, no image", f"rattler + tar | {compressor}", environment, [command])
                )
        if self.has("buildah") and slow:
            works.append(
                self._work("cold, gzip", "rattler + buildah", environment, [_shell(self._buildah(root, output))])
            )
        if self.python_docker is not None:
            program = str(_PROGRAMS / "python_docker_020.py")
            command = [str(self.python_docker), program, f"{root}/{_PREFIX}", str(output)]
            works.append(self._work("cold, uncompressed", "rattler + python-docker 0.2.0", environment, [command]))
        if self.engine is not None and slow:
            works.append(self._docker_build(environment, root, self.engine))
        return works

    def has(self, program: str) -> bool:
        """Return whether a program is on this machine; one that is not counts as missing."""
        if shutil.which(program, path=self.session.env["PATH"]):
            return True
        self.missing[program] = "the program is not on this machine"
        return False

    def _work(
        self,
        name: str,
        tool: str,
        environment: Environment,
        commands: Commands,
        *,
        finish: Callable[[bool], Mapping[str, Any]] = lambda first: {},
        server: Server | None = None,
        beside: Callable[[Path], None] = lambda root: None,
    ) -> Work:
        """Installing with rattler from nothing but the packages, then `commands`."""
        session = self.session
        root, cache = session.place("root"), session.place("rattler-cache")
        target = root / _PREFIX

        def prepare(first: bool) -> Commands:
            remove(root, cache, session.place("peer-out"), session.place("buildah"))
            target.mkdir(parents=True)
            beside(root)
            return [install_command(environment, target, cache), *commands]

        return Work(name=name, tool=tool, prepare=prepare, finish=finish, server=server, ours=COLD)

    def _buildah(self, root: Path, output: Path) -> str:
        storage = self.session.place("buildah")
        policy = self.session.place("policy.json")
        policy.write_text(json.dumps(_ACCEPT_ANYTHING))
        buildah = f"buildah --storage-driver vfs --root {storage}/root --runroot {storage}/run"
        return f"""
            container=$({buildah} from scratch)
            {buildah} copy --quiet $container {shlex.quote(f"{root}/opt")} /opt
            {buildah} commit --quiet --signature-policy {policy} $container oci:{output}:1
        """

    def _docker_build(self, environment: Environment, root: Path, engine: DockerEngine) -> Work:
        client = shlex.join(
            ["env", *(f"{name}={value}" for name, value in engine.docker.environment.items()), str(engine.docker.path)]
        )
        # The builder that is in the engine itself.
        build = f"DOCKER_BUILDKIT=0 {client} build --quiet --no-cache --tag bench:1 {shlex.quote(str(root))}"

        def write_dockerfile(root: Path) -> None:
            (root / "Dockerfile").write_text("FROM scratch\nCOPY opt /opt\n")

        def forget(first: bool) -> dict[str, Any]:
            engine.docker("image", "rm", "--force", "bench:1", check=False)
            engine.docker("system", "prune", "--all", "--force", check=False)
            return {}

        return self._work(
            "cold, into the engine",
            "rattler + docker build",
            environment,
            [_shell(build)],
            finish=forget,
            server=Server(engine._process.pid),
            beside=write_dockerfile,
        )


def install_command(environment: Environment, target: Path, cache: Path) -> list[str]:
    """Return the command by which rattler installs an environment into the folder `target`, for `/opt/conda`."""
    program = [sys.executable, str(_PROGRAMS / "install.py"), str(target), f"/{_PREFIX}", str(cache)]
    return [*program, environment.url, *environment.specs]


def _shell(script: str) -> list[str]:
    return ["sh", "-ec", script]


def python_docker_venv(kept: Path, *, make: bool) -> Path | str:
    """The Python of a virtual environment with python-docker 0.2.0, or the reason that there is none."""
    folder = kept / "python-docker-0.2.0"
    python = folder / "bin" / "python"
    if (folder / "complete").is_file():
        return python
    if not make:
        return "its virtual environment is made in full runs alone"
    venv.create(folder, with_pip=True, clear=True)
    command: Sequence[str] = [str(python), "-m", "pip", "install", "--quiet", "python-docker==0.2.0", "pydantic<2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        return f"pip cannot install it: {' '.join(ended.stderr.split()[-20:])}"
    (folder / "complete").touch()
    return python
