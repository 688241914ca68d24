"""Archives and layouts between this package and others: what they write is read here, what is written here they run."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.copying.copy import Conversion
from python_docker.image import Image
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import Index
from python_docker.streams.compression import Compression
from python_docker.transports import open_source
from python_docker.transports.docker.archive import read_archive, write_archive
from tests.archives import members_of, tar_of
from tests.images import GREETING, digest, hello_config, layer_tar, write_docker_archive, write_oci_layout
from tests.peers import DockerEngine, Program, unpack_image
from tests.python_docker.layouts import name_for_two_platforms

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def layers(request: pytest.FixtureRequest, runnable_files: dict[str, bytes]) -> list[bytes]:
    """Return two layers that no other test has, since engines never read a layer that they know."""
    return [layer_tar(runnable_files), layer_tar({"etc/unique": request.node.nodeid.encode()})]


@pytest.fixture
def layout(tmp_path: Path, layers: list[bytes]) -> Path:
    """Return an OCI layout made by hand with a runnable image of the tag `v1`."""
    write_oci_layout(tmp_path / "hand", layers, tag="v1", runtime=hello_config())
    return tmp_path / "hand"


@pytest.fixture
def hello(tmp_path: Path, layers: list[bytes]) -> Image:
    """Return a runnable image from an archive made by hand."""
    write_docker_archive(tmp_path / "hand.tar", layers, tags=["hand:v1"], runtime=hello_config())
    return open_image(f"{tmp_path}/hand.tar")


def raw_digest(skopeo: Program, location: str) -> Digest:
    """The digest of the manifest that skopeo finds."""
    return Digest.of(skopeo("inspect", "--raw", location).stdout.encode(errors="surrogateescape"))


def image_id(engine: DockerEngine, name: str) -> str:
    return engine.docker("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


class TestDocker:
    @pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
    def test_runs_what_is_written(
        self, compression: Compression, layout: Path, docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        conversion = Conversion(compression=compression)
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/other", conversion=conversion)
        name = f"archive-runs-{compression}:v1"
        copy_image(f"oci:{tmp_path}/other", f"docker-archive:{tmp_path}/x.tar:{name}")
        assert docker_engine.load(tmp_path / "x.tar") == f"Loaded image: {name}\n"
        assert docker_engine.run(name).stdout == f"{GREETING}\n"
        assert image_id(docker_engine, name) == open_image(f"oci:{layout}").id

    def test_what_it_saves_is_read(self, hello: Image, docker_engine: DockerEngine, tmp_path: Path) -> None:
        write_image(hello, f"docker-archive:{tmp_path}/x.tar:archive-saved:v1")
        docker_engine.load(tmp_path / "x.tar")
        (image,) = read_archive(docker_engine.save(tmp_path / "saved.tar", "archive-saved:v1"))
        assert (image.id, image.name, image.tag) == (hello.id, "archive-saved", "v1")
        assert image.digest == hello.digest
        assert image.list_files() == hello.list_files()

    def test_images_that_share_layers(self, hello: Image, docker_engine: DockerEngine, tmp_path: Path) -> None:
        other = hello.copy()
        other.add_layer_contents({"etc/greeting": b"another greeting\n"})
        hello.name, other.name = "archive-shared-a", "archive-shared-b"
        hello.tag = other.tag = "v1"
        write_archive([hello, other], tmp_path / "x.tar")
        docker_engine.load(tmp_path / "x.tar")
        assert docker_engine.run("archive-shared-a:v1").stdout == f"{GREETING}\n"
        assert docker_engine.run("archive-shared-b:v1").stdout == "another greeting\n"
        # The engine writes the second copy of a layer as a symbolic link.
        docker_engine.save(tmp_path / "saved.tar", "archive-shared-a:v1", "archive-shared-b:v1")
        again = {image.name: image for image in read_archive(tmp_path / "saved.tar")}
        assert {name: image.id for name, image in again.items()} == {
            "archive-shared-a": hello.id,
            "archive-shared-b": other.id,
        }
        for name, image in (("archive-shared-a", hello), ("archive-shared-b", other)):
            assert again[name].list_files() == image.list_files()

    def test_image_without_a_name(self, hello: Image, docker_engine: DockerEngine, tmp_path: Path) -> None:
        hello.name, hello.tag = "", None
        hello.write_filename(tmp_path / "x.tar")
        assert docker_engine.load(tmp_path / "x.tar") == f"Loaded image ID: {hello.id}\n"
        assert docker_engine.run(hello.id).stdout == f"{GREETING}\n"

    def test_image_without_layers(self, docker_engine: DockerEngine, tmp_path: Path) -> None:
        Image("archive-empty", "v1").write_filename(tmp_path / "x.tar")
        assert docker_engine.load(tmp_path / "x.tar") == "Loaded image: archive-empty:v1\n"

    def test_v1_layout_with_manifest(self, hello: Image, docker_engine: DockerEngine, tmp_path: Path) -> None:
        hello.name = "archive-old"
        hello.write_filename(tmp_path / "x.tar", version="v1")
        assert docker_engine.load(tmp_path / "x.tar") == "Loaded image: archive-old:v1\n"
        assert image_id(docker_engine, "archive-old:v1") == hello.id
        assert docker_engine.run("archive-old:v1").stdout == f"{GREETING}\n"

    @pytest.mark.parametrize("version", [None, "1.6.0", "20.10.24"])
    def test_v1_layout_alone(
        self, version: str | None, hello: Image, docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        # Docker makes a new config for such an image: the same as is made here, if a Docker of 1.8.3 or later wrote it.
        hello.name = "archive-older"
        file = io.BytesIO()
        hello.write_file(file, version="v1")
        members: dict[str, Any] = {**members_of(file.getvalue())}
        del members["manifest.json"]
        for name in [name for name in members if name.endswith("/json")]:
            fields = json.loads(members[name]) | {"author": "A <a@example.com> & B"}
            members[name] = json.dumps(fields | ({"docker_version": version} if version else {})).encode()
        (tmp_path / "x.tar").write_bytes(tar_of(members))
        docker_engine.load(tmp_path / "x.tar")
        assert docker_engine.run("archive-older:v1").stdout == f"{GREETING}\n"
        (image,) = read_archive(tmp_path / "x.tar")
        (saved,) = read_archive(docker_engine.save(tmp_path / "saved.tar", "archive-older:v1"))
        assert {key: saved.config.get(key) for key in image.config} == image.config
        assert image.list_files() == saved.list_files()
        assert [layer.history for layer in image.layers] == [layer.history for layer in saved.layers]
        if version == "20.10.24":
            assert image.id == image_id(docker_engine, "archive-older:v1")

    def test_what_the_image_object_makes(
        self, layers: list[bytes], docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        write_docker_archive(tmp_path / "base.tar", layers, runtime=hello_config())
        (image,) = Image.from_filename(tmp_path / "base.tar")
        image.name, image.tag = "archive-made", "v1"
        image.add_layer_contents({"/this/is/a/test1": b"this is test 1\n"})
        image.layers[0].config["Env"].append("FOO=BAR")
        image.write_filename(tmp_path / "x.tar")
        docker_engine.load(tmp_path / "x.tar")
        assert docker_engine.run("archive-made:v1", "/bin/cat", "/this/is/a/test1").stdout == "this is test 1\n"
        assert "FOO=BAR" in docker_engine.run("archive-made:v1", "/bin/env").stdout.splitlines()


class TestSkopeo:
    @pytest.mark.parametrize("form", ["docker-archive:{}:hello:v2", "oci-archive:{}:hello/there:v2", "oci:{}:v2"])
    def test_what_it_writes_is_read(self, form: str, layout: Path, skopeo: Program, tmp_path: Path) -> None:
        location = form.format(tmp_path / "theirs")
        skopeo("copy", f"oci:{layout}:v1", location)
        image = open_image(location)
        assert image.id == open_image(f"oci:{layout}").id
        assert image.list_files() == open_image(f"oci:{layout}").list_files()
        if not form.startswith("docker-archive"):
            # What it makes of a docker archive depends on how it would compress.
            assert image.digest == raw_digest(skopeo, location)

    def test_docker_archive_without_a_name(self, layout: Path, skopeo: Program, tmp_path: Path) -> None:
        skopeo("copy", f"oci:{layout}:v1", f"docker-archive:{tmp_path}/theirs.tar")
        image = open_image(f"{tmp_path}/theirs.tar")
        assert (image.id, image.name) == (open_image(f"oci:{layout}").id, "")

    def test_manifest_made_of_a_docker_archive_is_the_same(self, hello: Image, skopeo: Program, tmp_path: Path) -> None:
        hello.write_filename(tmp_path / "ours.tar")
        theirs = json.loads(skopeo("inspect", "--raw", f"docker-archive:{tmp_path}/ours.tar").stdout)
        ours = hello.manifest.value()
        assert theirs["config"] == ours["config"]
        assert [(one["digest"], one["size"]) for one in theirs["layers"]] == [
            (one["digest"], one["size"]) for one in ours["layers"]
        ]

    @pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
    @pytest.mark.parametrize("form", ["docker-archive:{}:hello:v2", "oci-archive:{}:hello/there:v2", "oci:{}:v2"])
    def test_reads_what_is_written(
        self, form: str, compression: Compression, layout: Path, skopeo: Program, tmp_path: Path
    ) -> None:
        location = form.format(tmp_path / "ours")
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/other", conversion=Conversion(compression=compression))
        copy_image(f"oci:{tmp_path}/other", location)
        skopeo("copy", "--preserve-digests", location, f"dir:{tmp_path}/dir") if "docker" not in form else skopeo(
            "copy", location, f"dir:{tmp_path}/dir"
        )
        manifest = json.loads((tmp_path / "dir/manifest.json").read_text())
        assert manifest["config"]["digest"] == open_image(f"oci:{layout}").id
        if "docker" not in form:
            assert digest((tmp_path / "dir/manifest.json").read_bytes()) == open_image(location).digest

    def test_name_of_the_location_is_the_name(self, layout: Path, skopeo: Program, tmp_path: Path) -> None:
        for name in ("v1", "foo/bar:v1", "registry.example:5000/x/y:v1"):
            copy_image(f"oci:{layout}", f"oci:{tmp_path}/ours:{name}")
            assert raw_digest(skopeo, f"oci:{tmp_path}/ours:{name}") == open_image(f"oci:{layout}").digest

    def test_oci_part_of_a_docker_archive(self, layout: Path, skopeo: Program, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}", f"docker-archive:{tmp_path}/ours.tar:hello:v2")
        assert raw_digest(skopeo, f"oci-archive:{tmp_path}/ours.tar:v2") == open_image(f"oci:{layout}").digest

    def test_one_layout_for_both(self, layout: Path, hello: Image, skopeo: Program, tmp_path: Path) -> None:
        skopeo("copy", f"oci:{layout}:v1", f"oci:{tmp_path}/both:theirs")
        write_image(hello, f"oci:{tmp_path}/both:ours")
        skopeo("copy", f"docker-archive:{tmp_path}/hand.tar", f"oci:{tmp_path}/both:again")
        for name in ("theirs", "ours", "again"):
            assert raw_digest(skopeo, f"oci:{tmp_path}/both:{name}") == open_image(f"oci:{tmp_path}/both:{name}").digest

    def test_all_platforms(self, layout: Path, skopeo: Program, tmp_path: Path) -> None:
        name_for_two_platforms(layout)
        copy_image(f"oci:{layout}", f"oci-archive:{tmp_path}/ours.tar:v1", all_platforms=True)
        skopeo("copy", "--all", f"oci-archive:{tmp_path}/ours.tar:v1", f"oci:{tmp_path}/theirs:v1")
        root = open_source(f"oci:{tmp_path}/theirs:v1").root()
        assert isinstance(root, Index)
        assert root.digest == open_source(f"oci-archive:{tmp_path}/ours.tar:v1").root().digest
        assert len(root.manifests) == 2


class TestUmoci:
    @pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
    def test_unpacks_what_is_written(
        self, compression: Compression, layout: Path, umoci: Program, bwrap: Run, tmp_path: Path
    ) -> None:
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/ours:v1", conversion=Conversion(compression=compression))
        root = unpack_image(umoci, tmp_path / "ours", "v1", tmp_path / "bundle")
        assert (
            sorted(str(path.relative_to(root)) for path in root.rglob("*")) == open_image(f"oci:{layout}").list_files()
        )
        assert bwrap(root, "/bin/cat", "/etc/greeting").stdout == f"{GREETING}\n"

    def test_unpacks_docker_images_by_their_own_tag(
        self, hello: Image, umoci: Program, bwrap: Run, tmp_path: Path
    ) -> None:
        write_image(hello, f"oci:{tmp_path}/ours")
        root = unpack_image(umoci, tmp_path / "ours", "v1", tmp_path / "bundle")
        assert bwrap(root, "/bin/cat", "/etc/greeting").stdout == f"{GREETING}\n"

    def test_what_it_writes_is_read(self, umoci: Program, tmp_path: Path) -> None:
        (tmp_path / "greeting").write_text("hello\n")
        umoci("init", "--layout", tmp_path / "theirs")
        umoci("new", "--image", f"{tmp_path}/theirs:v1")
        for number in range(3):
            umoci("insert", "--image", f"{tmp_path}/theirs:v1", tmp_path / "greeting", f"/etc/greeting{number}")
        umoci("config", "--image", f"{tmp_path}/theirs:v1", "--config.env", "FOO=BAR", "--tag", "v2")
        image = open_image(f"oci:{tmp_path}/theirs:v2")
        assert [name for name in image.list_files() if "greeting" in name] == [f"etc/greeting{n}" for n in range(3)]
        assert image.config.environment["FOO"] == "BAR"
        assert image.id != open_image(f"oci:{tmp_path}/theirs:v1").id

    def test_goes_on_where_this_stopped(self, layout: Path, umoci: Program, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/both:v1")
        (tmp_path / "new").write_text("new\n")
        umoci("insert", "--image", f"{tmp_path}/both:v1", "--tag", "v2", tmp_path / "new", "/etc/new")
        umoci("gc", "--layout", tmp_path / "both")
        assert open_image(f"oci:{tmp_path}/both:v1").digest == open_image(f"oci:{layout}").digest
        assert "etc/new" in open_image(f"oci:{tmp_path}/both:v2").list_files()
