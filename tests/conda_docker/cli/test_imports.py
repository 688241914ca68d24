"""What each command does without: a module that is imported for nothing costs every start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.cli.conftest import LAYERS
from tests.conda_docker.packages import SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel
from tests.images import write_oci_layout
from tests.python_docker.registry.stub_registry import StubRegistry

SOLVER = {"rattler", "uv", "asyncio", "yaml", "packaging", "pathspec", "conda_docker.resolution"}
BUILDING = {"conda_docker.build_options", "conda_docker.image.assemble", "conda_docker.layers", "conda_docker.link"}
COMPRESSORS = {"deflate", "isal", "python_docker.streams.compressor"}
WRITING_LAYERS = COMPRESSORS | {"python_docker.image.layer_builder", "python_docker.tar"}
IMAGES = {"python_docker.image.image", "python_docker.image.layer"}
VALUES = {"conda_docker.arguments.amounts", "conda_docker.user_files", "python_docker.spec.reference"}
"""What reads the values of options."""
STANDARD = {"bz2", "lzma", "tarfile", "zipfile", "shutil", "tempfile", "random", "urllib.request"}
HTTP = {"urllib3", "http.client", "ssl", "socket", "email", "python_docker.http.client"}
ALWAYS = SOLVER | BUILDING | {"pydantic", "rich", "docker", "typing_extensions", "difflib"}
LOCAL = ALWAYS | WRITING_LAYERS | STANDARD | HTTP
LOGIN = {
    "python_docker.registry.auth.challenge",
    "python_docker.registry.auth.token_endpoint",
    "python_docker.http.connections.tls",
}
READING = {
    "python_docker.image.blob_store",
    "python_docker.registry.download",
    "python_docker.spec.documents.image_config",
}
UPLOADS = {"python_docker.registry.upload.blob"}
REMOTE = (
    ALWAYS
    | WRITING_LAYERS
    | LOGIN
    | STANDARD - {"random"}
    | {"urllib3", "importlib.metadata", "platformdirs", "stringprep"}
)

HELP = (LOCAL | IMAGES | VALUES | {"logging", "string"}) - {"bz2", "lzma", "shutil"}  # which click needs for it
OPTIONS_OF_A_BUILD = {"conda_docker.build_options"}  # of which the help says the defaults
PLAIN_CLASSES = {"dataclasses", "json"}  # each dataclass takes half a millisecond to make, and their module five

WITHOUT = {
    "--version": HELP | PLAIN_CLASSES,
    "--help": HELP | PLAIN_CLASSES,
    "build --help": (HELP | {"conda_docker.cli.options.asked", "conda_docker.profiles.profile", "json"})
    - OPTIONS_OF_A_BUILD,
    "copy --help": (HELP | PLAIN_CLASSES) - {"conda_docker.arguments.amounts"},
    "inspect --help": HELP | {"json"},
    "inspect oci:layout": LOCAL,
    "inspect --json oci:layout": LOCAL,
    "inspect --raw oci:layout": LOCAL,
    "-q copy oci:layout oci:copy": LOCAL | IMAGES,
    "-q validate --no-layers oci:layout": LOCAL - {"python_docker.tar"},
    "cache info": LOCAL,
    "inspect docker://{host}/image:1": REMOTE | UPLOADS | {"conda_docker.environment.locked"},
    "-q copy docker://{host}/image:1 docker://{host}/other:1": REMOTE | UPLOADS | IMAGES | READING,
    "-q copy oci:layout docker://{host}/image:1": REMOTE | IMAGES,
    "-q copy docker://{host}/image:1 oci:copy": REMOTE | IMAGES,
}


@pytest.fixture
def registry() -> Iterator[StubRegistry]:
    """Return an empty registry in memory."""
    running = StubRegistry()
    yield running
    running.stop()


def run(command: str, folder: Path, environment: dict[str, str]) -> set[str]:
    """Run a command in a process of its own, and return the modules that it has imported at its end."""
    code = (
        "import sys\nfrom conda_docker.cli import run\ncode = run(sys.argv[1:])\n"
        "print(*sorted(sys.modules), file=sys.stderr)\nsys.exit(code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", WITHOUT)
def test_nothing_is_imported_that_the_command_does_not_need(
    command: str, tmp_path: Path, environment: dict[str, str], registry: StubRegistry
) -> None:
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1")
    if "{host}/image:1 " in command + " ":
        run(f"-q copy oci:layout docker://{registry.host}/image:1", tmp_path, environment)
    imported = run(command.format(host=registry.host), tmp_path, environment)
    assert sorted(WITHOUT[command] & imported) == []


WARM = COMPRESSORS - {"deflate", "python_docker.streams.compressor"} | {  # the environment's own layer is compressed
    "conda_docker.layers.making.settle",
    "conda_docker.layers.making.write",
    "conda_docker.link.link",
    "conda_docker.package.archive",
    "conda_docker.pypi.wheel",
    "conda_docker.scripts.tree",
    "conda_docker.channels.credentials",
    "conda_docker.environment.solve.repodata.salvage",
    "conda_docker.environment.solve.suggestions",
    "conda_docker.layers.making.opened",
    "conda_docker.layers.making.pipeline",
    "conda_docker.policy.advisories",
    "conda_docker.policy.check",
    "conda_docker.profiles.profile",
    "conda_docker.provenance.installed",
    "conda_docker.sbom",
    "docker",
    "installer",
    "pydantic",
    "python_docker.registry",
    "python_docker.tar.reader",
    "rich",
    "tarfile",
    "tomli",
    "urllib3",
}
WARM_OF_NAMES = WARM | {  # packages that are named, of a channel in a folder; what chooses them has a temporary file
    "conda_docker.environment.activation_script",
    "conda_docker.environment.inputs.kind",
    "conda_docker.environment.inputs.prefix",
    "conda_docker.environment.inputs.table",
    "conda_docker.environment.installed_prefix",
    "conda_docker.environment.packages.wheels",
    "packaging",
    "platformdirs",
    "uv",
    "yaml",
}


def test_a_build_that_finds_all_layers_imports_nothing_that_makes_them(
    tmp_path: Path, environment: dict[str, str], synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(SyntheticPackage(name="a", files={"lib/a": b"a"}))
    command = f"-q build -b scratch -c {synthetic_channel.url} --override-channels -o oci:out-{{}} a"
    run(command.format(1), tmp_path, environment)
    assert sorted(WARM_OF_NAMES & run(command.format(2), tmp_path, environment)) == []


def test_that_holds_for_wheels_too(
    tmp_path: Path, environment: dict[str, str], synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(SyntheticPackage(name="python", version="3.12.4", build="0_cpython"))
    make_wheel(tmp_path, "one")
    (tmp_path / "environment.yml").write_text(
        f"channels: [{synthetic_channel.url}, nodefaults]\n"
        f"dependencies: [python, pip: [--no-index, --find-links {tmp_path}, one]]\n"
    )
    command = "-q build -b scratch --bytecode never -f environment.yml -o oci:out-{}"
    run(command.format(1), tmp_path, environment)
    assert sorted(WARM & run(command.format(2), tmp_path, environment)) == []


@pytest.mark.parametrize("words", ["conda-docker ", "conda-docker build --", "conda-docker copy --compression "])
def test_completion_is_as_quick_as_help(words: str, tmp_path: Path, environment: dict[str, str]) -> None:
    code = (
        "import atexit, json, sys\nfrom conda_docker.cli import main\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\nmain()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment
        | {
            "_CONDA_DOCKER_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout
    needed = BUILDING | {"python_docker.tar"}  # the options of `build` have the defaults of a build
    imported = json.loads(result.stderr.splitlines()[-1])
    assert sorted((LOCAL - needed) & set(imported)) == []


def test_a_module_of_every_name_exists() -> None:
    """A name that is misspelled here would never be imported either."""
    code = "import importlib.util, sys\nprint([name for name in sys.argv[1:] if not importlib.util.find_spec(name)])"
    result = subprocess.run(
        [sys.executable, "-c", code, *sorted(HELP | LOCAL | REMOTE | UPLOADS | IMAGES | READING | WARM_OF_NAMES)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"
