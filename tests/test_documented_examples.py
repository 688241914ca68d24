"""The documented examples of the earlier tools that concern images, archives and registries, word for word.

Only the address of the registry is another: in the text where it stands there, else by `CONDA_DOCKER_REGISTRY_URL`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker.image import Image
from tests.images import layer_tar, write_oci_layout
from tests.peers import DockerEngine, Program, Registry

Run = Callable[..., dict[str, Any]]

BASES = ("continuumio/miniconda3", "frolvlad/alpine-glibc")


@pytest.fixture(scope="module")
def bases(
    registry: Registry, skopeo: Program, runnable_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Put the base images of the examples into the registry: a layer that runs, and one on top to be removed."""
    layout = tmp_path_factory.mktemp("bases") / "oci"
    unique = {"etc/unique": uuid.uuid4().bytes}
    layers = [layer_tar({**runnable_files, **unique}), layer_tar({"opt/top/layer": b"removed in the examples"})]
    write_oci_layout(layout, layers, runtime={"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]})
    for base in BASES:
        skopeo("copy", f"oci:{layout}:latest", f"docker://{registry.host}/{base}:latest")


@pytest.fixture
def run(
    bases: None, registry: Registry, docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return what runs an example in a folder with a few files, and gives its variables.

    `replace` holds what stands in the example in the place of what is there while it runs.
    """
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text("print('hello')\n")
    (tmp_path / "data.txt").write_text("a file of the folder\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent / "home"))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url)

    def run(example: str, replace: dict[str, str] | None = None) -> dict[str, Any]:
        for old, new in (replace or {}).items():
            assert old in example
            example = example.replace(old, new)
        variables: dict[str, Any] = {}
        exec(compile(example, "<example>", "exec"), variables)
        return variables

    return run


@pytest.fixture
def at_our_registry(registry: Registry) -> dict[str, str]:
    """Return the one change that examples with a `Registry` get."""
    return {"Registry()": f"Registry({registry.url!r})"}


def check_example_image(engine: DockerEngine, archive: Path, variable: str = "BAR") -> None:
    """Let Docker load the image that the long examples make, and look into a container of it."""
    assert "Loaded image: this-is-a-test:latest" in engine.load(archive)
    seen = engine.run(
        "this-is-a-test:latest",
        *("/bin/sh", "-c"),
        "cat /this/is/a/test1 /this/is/a/test2 /data.txt /package/module.py; echo [$FOO]; ls /opt/top/layer",
        check=False,
    )
    assert seen.stdout == f"this is test 1this is test 2a file of the folder\nprint('hello')\n[{variable}]\n"
    assert "No such file" in seen.stderr


# -- docker_envs ---------------------------------------------------------------------------------------------------


def test_docker_envs_pulls(run: Run) -> None:
    image = run("""
from docker_envs.registry.client import pull_image

image = pull_image('continuumio/miniconda3', 'latest')
""")["image"]
    assert image.layers[0].list_files() == ["opt", "opt/top", "opt/top/layer"]


def test_docker_envs_filters(run: Run, docker_engine: DockerEngine) -> None:
    Path("libexample.a").touch()
    Path("package", "bundle.js.map").touch()
    image = run("""
from docker_envs.docker.base import Image
from docker_envs.registry.client import pull_image
from docker_envs.conda import conda_file_filter

image = pull_image('continuumio/miniconda3', 'latest')
image.remove_layer()
image.name = 'this-is-a-test'
image.add_layer_path('./', filter=conda_file_filter())
image.add_layer_contents({
    'this/is/a/test1': b'this is test 1',
    'this/is/a/test2': b'this is test 2'
})
image.write_file('example-filter.tar')
""")["image"]
    check_example_image(docker_engine, Path("example-filter.tar"), variable="")
    assert sorted(set(image.layers[1].list_files()) - {"."}) == ["data.txt", "package", "package/module.py"]


def test_docker_envs_renames(run: Run, docker_engine: DockerEngine) -> None:
    run("""
from docker_envs.registry.client import pull_image

image = 'continuumio/miniconda3'
tag = 'latest'
image = pull_image(image, tag)
image.name = 'qwerqwerqwerqwer'
image.write_file('test.tar')
""")
    assert "Loaded image: qwerqwerqwerqwer:latest" in docker_engine.load(Path("test.tar"))


def test_docker_envs_through_docker(run: Run, registry: Registry, docker_engine: DockerEngine, tmp_path: Path) -> None:
    at_our_registry = {"'continuumio/miniconda3'": f"'{registry.host}/continuumio/miniconda3'"}
    own_folder = {"/tmp/": f"{tmp_path.parent}/"}
    run(
        """
from docker_envs.docker.client import pull, save

pull('continuumio/miniconda3', 'latest')
save('continuumio/miniconda3', 'latest', '/tmp/miniconda3.tar')
""",
        at_our_registry | own_folder,
    )
    run(
        """
from docker_envs.docker.base import Image

images = Image.from_file('/tmp/miniconda3.tar')
# images[0].remove_layer()
images[0].name = 'this-is-a-test'
images[0].add_layer_path('./')
images[0].add_layer_contents({
    'this/is/a/test1': b'asdfasdf',
    'this/is/a/test2': b'asdfasdf'
})
images[0].write_file('example.tar')
""",
        own_folder,
    )
    run("""
from docker_envs.docker.client import load

load('example.tar')
""")
    seen = docker_engine.run("this-is-a-test:latest", "cat", "/this/is/a/test1", "/data.txt", "/opt/top/layer")
    assert seen.stdout == "asdfasdfa file of the folder\nremoved in the examples"


# -- conda_docker --------------------------------------------------------------------------------------------------


def test_conda_docker_pulls(run: Run) -> None:
    image = run("""
from conda_docker.registry.client import pull_image

image = pull_image('frolvlad/alpine-glibc', 'latest')
""")["image"]
    assert image.layers[0].list_files() == ["opt", "opt/top", "opt/top/layer"]


def test_conda_docker_changes_an_image(run: Run, docker_engine: DockerEngine) -> None:
    run("""
from conda_docker.docker.base import Image
from conda_docker.registry.client import pull_image

image = pull_image('continuumio/miniconda3', 'latest')
image.remove_layer()
image.name = 'this-is-a-test'
image.add_layer_path('./')
image.add_layer_contents({
    'this/is/a/test1': b'this is test 1',
    'this/is/a/test2': b'this is test 2'
})
image.layers[0].config['Env'].append('FOO=BAR')
image.write_file('example-filter.tar')
""")
    check_example_image(docker_engine, Path("example-filter.tar"))


# -- python_docker -------------------------------------------------------------------------------------------------


def test_python_docker_pulls(run: Run, at_our_registry: dict[str, str]) -> None:
    example = """
from python_docker.registry import Registry

registry = Registry()
image = registry.pull_image('frolvlad/alpine-glibc', 'latest')
"""
    image = run(example, at_our_registry)["image"]
    assert (image.name, image.tag) == ("frolvlad/alpine-glibc", "latest")


CHANGES = """
from python_docker.base import Image
from python_docker.registry import Registry

registry = Registry()
image = registry.pull_image('continuumio/miniconda3', 'latest')
image.remove_layer()
image.name = 'this-is-a-test'
image.add_layer_path('./')
image.add_layer_contents({
    '/this/is/a/test1': b'this is test 1',
    '/this/is/a/test2': b'this is test 2'
})
image.layers[0].config['Env'].append('FOO=BAR')

# write docker image to filesystem
image.write_filename('example-docker-image.tar')

# run docker image (does require docker)
image.run(['cat /this/is/a/test1'])
"""


def test_python_docker_changes_and_runs_an_image(
    run: Run, at_our_registry: dict[str, str], docker_engine: DockerEngine, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    capfdbinary.readouterr()
    image = run(CHANGES, at_our_registry)["image"]
    assert capfdbinary.readouterr().out == b"this is test 1"
    assert image.run(["echo $FOO"]) == b"BAR\n"
    check_example_image(docker_engine, Path("example-docker-image.tar"))


def test_the_earlier_archive_layout_still_loads(
    run: Run, at_our_registry: dict[str, str], docker_engine: DockerEngine
) -> None:
    """The default of earlier releases, `version='v1'`, which Docker takes until version 28."""
    image = run(CHANGES, at_our_registry)["image"]
    docker_engine.docker("rmi", "--force", "this-is-a-test:latest")
    image.write_file("v1.tar", version="v1")
    docker_engine.load(Path("v1.tar"))
    assert docker_engine.run("this-is-a-test:latest", "/bin/sh", "-c", "echo $FOO").stdout == "BAR\n"


LAZY = """
from python_docker.base import Image
from python_docker.registry import Registry

registry = Registry()
image = registry.pull_image('continuumio/miniconda3', 'latest', lazy=True)

# do the same actions as the example above
# difference is that the layers are lazily downloaded 
# only when needed in the `image.write_filename`
# and `image.run`.

registry.push_image(image)
# push_image does not require downloading the layers
"""  # noqa: W291


def test_python_docker_pushes_what_was_pulled_lazily(
    run: Run, at_our_registry: dict[str, str], registry: Registry
) -> None:
    before = len(registry.requests())
    image = run(LAZY, at_our_registry)["image"]
    asked = registry.requests(since=before)
    assert not any("/uploads/" in request.path for request in asked)
    layers = tuple(layer.digest for layer in image.layers)
    assert not any(request.method == "GET" and request.path.endswith(layers) for request in asked)


def test_the_same_actions_on_a_lazy_image_push_only_the_new_layers(
    run: Run, at_our_registry: dict[str, str], registry: Registry, docker_engine: DockerEngine
) -> None:
    actions = CHANGES.partition("image.remove_layer()")[2].partition("# write docker image")[0]
    example = LAZY.replace("# do the same actions", f"image.remove_layer(){actions}\n# do the same actions")
    before = len(registry.requests())
    image = run(example, at_our_registry)["image"]
    asked = registry.requests(since=before)
    base = image.layers[-1].digest
    assert not any(request.method == "GET" and request.path.endswith(base) for request in asked)
    name = f"{registry.host}/this-is-a-test:latest"
    docker_engine.docker("pull", name)
    seen = docker_engine.run(name, "/bin/sh", "-c", "cat /this/is/a/test2; echo $FOO").stdout
    assert seen == "this is test 2BAR\n"


# -- conda-store, which documents a use of python_docker -------------------------------------------------------------


def test_conda_store_configures_a_registry(run: Run, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    class Traits:
        class ContainerRegistry:
            container_registries: dict[str, Any]

    monkeypatch.delenv("DOCKER_USERNAME", raising=False)
    monkeypatch.delenv("DOCKER_PASSWORD", raising=False)
    example = """
from python_docker.registry import Registry
import os

def _configure_docker_registry(registry_url: str):
    return Registry(
        "https://registry-1.docker.io",
        username=os.environ.get('DOCKER_USERNAME'),
        password=os.environ.get('DOCKER_PASSWORD'))

c.ContainerRegistry.container_registries = {
    'https://registry-1.docker.io': _configure_docker_registry
}
"""
    monkeypatch.setattr("builtins.c", Traits, raising=False)
    run(example, {"https://registry-1.docker.io": registry.url})
    configured = Traits.ContainerRegistry.container_registries[registry.url](registry.url)
    image = configured.pull_image("continuumio/miniconda3", "latest")
    assert image.name == "continuumio/miniconda3"


def test_conda_store_reads_the_layers(run: Run, at_our_registry: dict[str, str]) -> None:
    """What it does with each layer: the uncompressed bytes, hashed."""
    image: Image = run(CHANGES, at_our_registry)["image"]
    for layer in image.layers:
        assert hashlib.sha256(layer.content).hexdigest() == layer.checksum
    assert image.layers[-1].list_files()[0] == "bin"
