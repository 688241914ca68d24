"""`Registry` and the module's functions, against Debian's docker-registry."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker import Image as PublicImage
from python_docker import copy_image
from python_docker.errors import (
    AccessDenied,
    ConnectionFailed,
    InvalidReference,
    NotFoundInRegistry,
    RegistryError,
    UnsupportedFormat,
)
from python_docker.registry import Image, Registry, RegistryOptions, pull_image
from python_docker.spec.documents.manifest import Manifest
from tests import peers
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer
from tests.python_docker.registry.tcp_proxy import TcpProxy


def test_image_is_the_public_one() -> None:
    # conda-store imports both from here.
    assert Image is PublicImage


class TestConstructor:
    def test_needs_no_network(self) -> None:
        Registry()
        Registry("https://registry.invalid", "alice", "secret")

    def test_arguments_by_position(self) -> None:
        registry = Registry("https://registry.example.org", "alice", "secret")
        assert (registry.hostname, registry.username) == ("https://registry.example.org", "alice")

    def test_default_is_docker_hub(self) -> None:
        assert Registry().hostname == "https://registry-1.docker.io"

    def test_no_user(self) -> None:
        assert Registry(username=None, password=None).username is None

    def test_user_in_the_url_is_taken_and_not_shown(self) -> None:
        registry = Registry("https://alice:secret@registry.example.org")
        assert registry.username == "alice"
        assert registry.hostname == "https://registry.example.org"
        assert repr(registry) == "<Registry https://registry.example.org>"

    def test_user_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", "https://registry.example.org")
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_USERNAME", "alice")
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_PASSWORD", "secret")
        assert Registry("https://registry.example.org").username == "alice"
        assert Registry("https://other.example.org").username is None

    @pytest.mark.parametrize("hostname", ["ftp://registry.example.org", "https://", "a b", "https://h/?x=1"])
    def test_no_address(self, hostname: str) -> None:
        with pytest.raises(InvalidReference):
            Registry(hostname)


class TestPushAndPull:
    def test_round_trip(self, registry: peers.Registry, repository: str) -> None:
        image = small_image(repository)
        Registry(registry.url).push_image(image)
        pulled = Registry(registry.url).pull_image(repository, "v1")
        assert pulled.digest == image.digest
        assert (pulled.name, pulled.tag) == (repository, "v1")
        assert [layer.list_files() for layer in pulled.layers] == [["file-2"], ["file-1"], ["file-0"]]

    def test_docker_format_keeps_its_digest(
        self, registry: peers.Registry, repository: str, skopeo: peers.Program
    ) -> None:
        Registry(registry.url).push_image(small_image(repository))
        there = f"docker://{registry.host}/{repository}"
        skopeo("copy", "--format", "v2s2", f"{there}:v1", f"{there}:docker")
        ours = Registry(registry.url)
        image = ours.pull_image(repository, "docker", lazy=True)
        assert image.manifest.media_type == "application/vnd.docker.distribution.manifest.v2+json"
        image.name += "/copy"
        ours.push_image(image)
        assert ours.get_manifest_digest(image.name, "docker") == ours.get_manifest_digest(repository, "docker")

    def test_pulled_image_needs_no_registry(self, registry: peers.Registry, repository: str) -> None:
        proxy = TcpProxy(registry.port)
        try:
            ours = Registry(proxy.url)
            ours.push_image(small_image(repository))
            image = ours.pull_image(repository, "v1")
        finally:
            proxy.stop()
        assert len(image.list_files()) == 3

    def test_files_of_a_pulled_image_go_with_it(
        self, registry: peers.Registry, repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Registry(registry.url).push_image(small_image(repository))
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        ours = Registry(registry.url)

        def open_files() -> int:
            return sum(
                str(tmp_path) in str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()
            )

        image = ours.pull_image(repository, "v1")
        assert sum(layer.size for layer in image.layers) > 60_000
        assert open_files() == 3
        del image
        gc.collect()
        assert open_files() == 0
        assert list(tmp_path.iterdir()) == []

    def test_layer_that_occurs_twice(self, registry: peers.Registry, repository: str) -> None:
        image = small_image(repository, layers=1)
        image.add_layer(image.layers[0])
        Registry(registry.url).push_image(image)
        pulled = Registry(registry.url).pull_image(repository, "v1")
        assert [layer.digest for layer in pulled.layers] == [image.layers[1].digest] * 2
        assert pulled.layers[0].list_files() == ["file-0"]

    def test_image_without_layers(self, registry: peers.Registry, repository: str) -> None:
        Registry(registry.url).push_image(Image(repository, "v1"))
        assert Registry(registry.url).pull_image(repository, "v1").layers == []

    def test_skopeo_reads_what_was_pushed(
        self, registry: peers.Registry, repository: str, skopeo: peers.Program, tmp_path: Path
    ) -> None:
        Registry(registry.url).push_image(small_image(repository))
        skopeo("copy", f"docker://{registry.host}/{repository}:v1", f"oci:{tmp_path / 'layout'}:v1")

    def test_push_without_tag_is_latest(self, registry: peers.Registry, repository: str) -> None:
        image = small_image(repository)
        image.tag = None
        Registry(registry.url).push_image(image)
        assert Registry(registry.url).list_image_tags(repository) == ["latest"]

    def test_push_without_name(self, registry: peers.Registry) -> None:
        with pytest.raises(InvalidReference, match="no name"):
            Registry(registry.url).push_image(Image())

    def test_changed_image(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository))
        image = ours.pull_image(repository, "v1", lazy=True)
        image.remove_layer()
        image.add_layer_contents({"/this/is/a/test1": b"this is test 1"})
        image.layers[0].config["Env"].append("FOO=BAR")
        image.tag = "v2"
        ours.push_image(image)
        again = ours.pull_image(repository, "v2")
        assert again.layers[0].config["Env"] == ["SEED=0", "FOO=BAR"]
        assert "this/is/a/test1" in again.list_files()
        assert "file-2" not in again.list_files()


class TestLazy:
    def test_pull_reads_manifest_and_config_only(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository))
        before = len(registry.requests())
        image = ours.pull_image(repository, "v1", lazy=True)
        paths = [request.path for request in registry.requests(since=before)]
        assert paths == [f"/v2/{repository}/manifests/v1", f"/v2/{repository}/blobs/{image.manifest.config.digest}"]
        assert image.layers[0].list_files() == ["file-2"]

    def test_push_moves_no_blob(
        self, registry: peers.Registry, repository: str, started: Callable[[TcpProxy], TcpProxy]
    ) -> None:
        Registry(registry.url).push_image(small_image(repository, size=200_000))
        proxy = started(TcpProxy(registry.port))
        ours = Registry(proxy.url)
        image = ours.pull_image(repository, "v1", lazy=True)
        image.name += "/other"
        before = len(registry.requests())
        ours.push_image(image)
        asked = [(request.method, request.path.partition("?")[0]) for request in registry.requests(since=before)]
        start = ("POST", f"/v2/{repository}/other/blobs/uploads/")
        assert asked == [start] * 4 + [("PUT", f"/v2/{repository}/other/manifests/v1")]
        # All of it, pull and push, is documents: 600 kB of layers would show.
        assert proxy.up + proxy.down < 20_000
        assert len(Registry(registry.url).pull_image(image.name, "v1").list_files()) == 3

    def test_push_to_where_it_was_moves_no_blob(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository))
        image = ours.pull_image(repository, "v1", lazy=True)
        image.tag = "v2"
        before = len(registry.requests())
        ours.push_image(image)
        methods = [request.method for request in registry.requests(since=before)]
        assert sorted(methods) == ["PUT"]

    def test_pulled_layers_are_mounted_too(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository))
        image = ours.pull_image(repository, "v1")
        image.name += "/other"
        before = len(registry.requests())
        ours.push_image(image)
        assert [r.method for r in registry.requests(since=before)] == ["POST"] * 4 + ["PUT"]

    def test_from_one_registry_to_another(
        self, registry: peers.Registry, repository: str, start_registry: Callable[..., peers.Registry]
    ) -> None:
        other = start_registry()
        Registry(registry.url).push_image(small_image(repository))
        image = Registry(registry.url).pull_image(repository, "v1", lazy=True)
        image.name = "moved"
        Registry(other.url).push_image(image)
        assert Registry(other.url).pull_image("moved", "v1").digest == image.digest

    def test_copy_within_a_registry_mounts(self, registry: peers.Registry, repository: str) -> None:
        Registry(registry.url).push_image(small_image(repository))
        before = len(registry.requests())
        there = f"docker://{registry.host}/{repository}"
        copy_image(f"{there}:v1", f"{there}/copy:v1")
        requests = registry.requests(since=before)
        assert not [r for r in requests if r.method == "PUT" and "/blobs/" in r.path]


class TestNames:
    @pytest.mark.parametrize("form", ["{path}:v1", "{host}/{path}:v1", "{host}/{path}@{digest}", "{path}:v1@{digest}"])
    def test_whole_references(self, registry: peers.Registry, repository: str, form: str) -> None:
        ours = Registry(registry.url)
        image = small_image(repository)
        ours.push_image(image)
        name = form.format(path=repository, host=registry.host, digest=image.digest)
        assert ours.pull_image(name, lazy=True).digest == image.digest

    def test_name_and_tag_of_a_reference(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        image = small_image(repository)
        ours.push_image(image)
        tagged = ours.pull_image(f"{repository}:v1@{image.digest}", lazy=True)
        assert (tagged.name, tagged.tag) == (repository, "v1")
        by_digest = ours.pull_image(f"{repository}@{image.digest}", lazy=True)
        assert (by_digest.name, by_digest.tag) == (repository, None)
        assert ours.pull_image(repository, str(image.digest), lazy=True).digest == image.digest

    def test_tag_and_other_tag(self, registry: peers.Registry) -> None:
        with pytest.raises(InvalidReference, match="v1"):
            Registry(registry.url).pull_image("team/app:v1", "v2")

    def test_path_with_a_dot_is_no_host(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        image = small_image(f"my.user/{repository}")
        ours.push_image(image)
        assert image.name in ours.list_images()
        assert ours.pull_image(image.name, "v1", lazy=True).digest == image.digest

    @pytest.mark.parametrize("name", ["UPPER/case", "a//b", "../x", "a/b?c", "a b", ""])
    def test_no_name(self, registry: peers.Registry, name: str) -> None:
        with pytest.raises(InvalidReference):
            Registry(registry.url).pull_image(name)

    @pytest.mark.parametrize("tag", ["a/b", "a:b:c", "?", "", "x" * 129, "../../other"])
    def test_no_tag(self, registry: peers.Registry, tag: str) -> None:
        with pytest.raises(ValueError):
            Registry(registry.url).get_manifest("team/app", tag)

    @pytest.mark.parametrize(
        ("name", "host", "path"),
        [
            ("ubuntu", "registry-1.docker.io", "library/ubuntu"),
            ("frolvlad/alpine-glibc", "registry-1.docker.io", "frolvlad/alpine-glibc"),
            ("docker.io/ubuntu", "registry-1.docker.io", "library/ubuntu"),
            ("index.docker.io/library/ubuntu", "registry-1.docker.io", "library/ubuntu"),
            ("ghcr.io/org/name", "ghcr.io", "org/name"),
            ("localhost:5000/name", "localhost:5000", "name"),
            ("localhost/name", "localhost", "name"),
        ],
    )
    def test_docker_hub_reads_names_as_docker_does(self, name: str, host: str, path: str) -> None:
        place = Registry()._locate(name, "latest")
        assert (place.client.address.host, place.path, place.tag) == (host, path, "latest")

    def test_one_registry_is_met_once(self) -> None:
        hub = Registry()
        assert hub._locate("ghcr.io/a/b", "1").client is hub._locate("ghcr.io/c/d", "2").client

    def test_credentials_stay_with_their_registry(self, stub: StubRegistry) -> None:
        stub.hook = lambda asked: None
        with pytest.raises(NotFoundInRegistry):
            Registry(username="alice", password="secret").pull_image(f"{stub.host}/team/app")
        assert stub.requests
        assert all("authorization" not in asked.headers for asked in stub.requests)


class TestDocuments:
    def test_manifest(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        image = small_image(repository)
        ours.push_image(image)
        assert ours.get_manifest(repository, "v1").raw == image.manifest.raw
        manifest = ours.get_manifest(image=repository, tag="v1", version="v2")
        assert isinstance(manifest, Manifest)
        assert manifest.layers[0].size == image.layers[-1].size
        assert ours.get_manifest_digest(repository, "v1") == image.digest
        assert ours.get_manifest_configuration(repository, "v1").config == {"Env": ["SEED=0"]}

    def test_manifest_of_old(self, registry: peers.Registry) -> None:
        with pytest.raises(UnsupportedFormat):
            Registry(registry.url).get_manifest("team/app", version="v1")

    def test_blob(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        image = small_image(repository)
        ours.push_image(image)
        layer = image.layers[0]
        with layer.open() as stream:
            assert ours.get_blob(repository, layer.digest) == stream.read()
        assert ours.check_blob(repository, layer.digest)
        assert not ours.check_blob(repository, "sha256:" + 64 * "0")
        with pytest.raises(NotFoundInRegistry):
            ours.get_blob(repository, "sha256:" + 64 * "0")

    def test_blob_of_unknown_size(self, stub: StubRegistry) -> None:
        stub.hook = lambda asked: Answer(200, announced=-1) if asked.method == "HEAD" else None
        with pytest.raises(RegistryError, match=f"{stub.host} does not say how large blob sha256:0+ is"):
            Registry(stub.url).get_blob("team/app", "sha256:" + 64 * "0")

    def test_not_there(self, registry: peers.Registry) -> None:
        ours = Registry(registry.url)
        for call in (ours.pull_image, ours.get_manifest, ours.get_manifest_digest, ours.delete_image):
            with pytest.raises(NotFoundInRegistry, match="tests/no-such-image"):
                call("tests/no-such-image", "v1")

    def test_multi_platform(self, registry: peers.Registry, repository: str, skopeo: peers.Program) -> None:
        from python_docker.registry.client import RegistryClient
        from python_docker.spec.documents.manifest import Index
        from python_docker.spec.media_types import ImageFormat

        ours = Registry(registry.url)
        children = {}
        for architecture in ("amd64", "arm64"):
            image = small_image(repository, architecture, seed=architecture)
            from python_docker import Platform

            image.platform = Platform("linux", architecture)
            ours.push_image(image)
            children[architecture] = image.manifest.descriptor.replace(
                platform={"os": "linux", "architecture": architecture}
            )
        index = Index.new(ImageFormat.OCI, children.values())
        RegistryClient(registry.url).put_manifest(repository, "all", index)
        assert ours.get_manifest(repository, "all").raw == index.raw
        assert ours.pull_image(repository, "all", platform="linux/arm64").digest == children["arm64"].digest
        there = f"docker://{registry.host}/{repository}"
        assert copy_image(f"{there}:all", f"{there}/copy:all", all_platforms=True).digest == index.digest
        assert skopeo("inspect", "--raw", f"{there}/copy:all").stdout.encode() == index.raw


class TestDelete:
    def test_delete(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository, "v1"))
        ours.push_image(small_image(repository, "v2", seed=2))
        ours.delete_image(repository, "v1")
        assert ours.list_image_tags(repository) == ["v2"]
        with pytest.raises(NotFoundInRegistry):
            ours.delete_image(repository, "v1")

    def test_last_tag(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        ours.push_image(small_image(repository))
        ours.delete_image(repository, "v1")
        assert ours.list_image_tags(repository) == []

    def test_not_enabled(self, start_registry: Callable[..., peers.Registry]) -> None:
        ours = Registry(start_registry(delete=False).url)
        ours.push_image(small_image("team/app"))
        with pytest.raises(RegistryError, match="UNSUPPORTED") as caught:
            ours.delete_image("team/app", "v1")
        assert caught.value.status == 405


class TestLists:
    def test_tags_in_pages(self, registry: peers.Registry, repository: str) -> None:
        ours = Registry(registry.url)
        image = small_image(repository, layers=1)
        tags = [f"t{number}" for number in range(7)]
        for tag in reversed(tags):
            image.tag = tag
            ours.push_image(image)
        assert sorted(ours.list_image_tags(repository)) == tags
        # This registry (2.8) gives all of them, unsorted, whatever it is asked for.
        assert ours.list_image_tags(repository, n=3) == tags[:3]
        assert ours.list_image_tags(repository, n=3, last="t2") == tags[3:6]
        assert ours.list_image_tags(repository, last="t4") == tags[5:]

    def test_tags_of_nothing(self, registry: peers.Registry) -> None:
        with pytest.raises(NotFoundInRegistry, match="NAME_UNKNOWN"):
            Registry(registry.url).list_image_tags("tests/no-such-image")

    def test_catalog_in_pages(self, start_registry: Callable[..., peers.Registry]) -> None:
        # It gives 100 names at a time unless told otherwise.
        running = start_registry()
        ours = Registry(running.url)
        names = sorted(f"team/app{number}" for number in range(103))
        ours.push_image(small_image(names[0], layers=1))
        folder = running.storage / "docker" / "registry" / "v2" / "repositories"
        for name in names[1:]:
            shutil.copytree(folder / names[0], folder / name)
        before = len(running.requests())
        assert ours.list_images() == names
        assert len([r for r in running.requests(since=before) if r.path.startswith("/v2/_catalog")]) == 2
        assert ours.list_images(n=10) == names[:10]
        assert ours.list_images(n=10, last=names[9]) == names[10:20]
        assert ours.list_images(n=100, last=names[99]) == names[100:]
        with pytest.raises(RegistryError, match="PAGINATION_NUMBER_INVALID"):
            ours.list_images(n=100_000)
        # What was copied is a repository.
        assert ours.list_image_tags(names[50]) == ["v1"]


class TestPullImage:
    def test_name_and_tag(self, registry: peers.Registry, repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
        Registry(registry.url).push_image(small_image(repository))
        assert pull_image(f"{registry.host}/{repository}", "v1").name == f"{registry.host}/{repository}"
        # In place of Docker Hub, under the very same path.
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url)
        image = pull_image(repository, "v1")
        assert (image.name, image.tag, len(image.layers)) == (repository, "v1", 3)
        assert pull_image(f"{repository}:v1", lazy=True).digest == image.digest

    def test_short_name_elsewhere(self, registry: peers.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        Registry(registry.url).push_image(small_image("lonely-name"))
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url)
        image = pull_image("lonely-name", "v1", lazy=True)
        assert image.name == "lonely-name"
        manifest = copy_image("docker://lonely-name:v1", "docker://lonely-copy:v1")
        assert Registry(registry.url).get_manifest_digest("lonely-copy", "v1") == manifest.digest


class TestReach:
    def test_nothing_listens(self, options: RegistryOptions) -> None:
        with pytest.raises(ConnectionFailed, match="connection refused"):
            Registry("http://127.0.0.1:9", options=options).pull_image("team/app")

    def test_no_such_host(self, options: RegistryOptions) -> None:
        with pytest.raises(ConnectionFailed, match=r"registry\.invalid"):
            Registry("https://registry.invalid", options=options).pull_image("team/app")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    def test_loopback_without_scheme(self, registry: peers.Registry, repository: str, host: str) -> None:
        ours = Registry(f"{host}:{registry.port}")
        ours.push_image(small_image(repository))
        assert ours.list_image_tags(repository) == ["v1"]

    def test_tls_asked_for(self, registry: peers.Registry, options: RegistryOptions) -> None:
        with pytest.raises(ConnectionFailed, match="did not answer with TLS"):
            Registry(f"https://{registry.host}", options=options).list_images()


def test_importing_options_is_cheap() -> None:
    """The command line names options before it needs the network."""
    code = "import sys, python_docker.registry.access.options; assert not {'urllib3', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_wrong_password_is_a_value_error() -> None:
    # What earlier releases raised.
    assert issubclass(AccessDenied, ValueError)
