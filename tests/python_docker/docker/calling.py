"""How tests talk to an engine."""

from __future__ import annotations

from pathlib import Path

from python_docker.docker.api import EngineApi
from python_docker.docker.endpoint import Endpoint
from tests.images import hello_config, layer_tar, write_docker_archive
from tests.peers import DockerEngine
from tests.python_docker.docker.fake_engine import FakeEngine


def api(engine: FakeEngine | DockerEngine, *, silence: float = 20, greeting: float = 20) -> EngineApi:
    return EngineApi(Endpoint(engine.host, "a test"), silence=silence, greeting=greeting)


def load(engine: EngineApi, archive: bytes) -> list[str]:
    loading = engine.loading()
    loading.write(archive)
    loading.commit()
    return loading.loaded


def hello_archive(folder: Path, tag: str, content: bytes | None = None) -> bytes:
    """An image with one file that no other test has, since engines never read a layer that they know."""
    path = folder / "hello.tar"
    layers = [layer_tar({"etc/unique": content or tag.encode()})]
    write_docker_archive(path, layers, tags=[tag] if tag else [], runtime=hello_config())
    return path.read_bytes()
