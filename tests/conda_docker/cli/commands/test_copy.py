"""`conda-docker copy`."""

from __future__ import annotations

import gzip
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.copying.choose import image_of
from python_docker.spec.platform import Platform
from python_docker.transports import open_image, open_source
from tests import peers
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.exit_codes import FAILURES
from tests.images import digest, write_oci_layout
from tests.python_docker.registry.certificates import self_signed


def write_index(folder: Path) -> dict[str, str]:
    """Write a layout whose tag `all` is an index; give the digest of each platform's manifest."""
    manifests = {}
    write_oci_layout(folder, LAYERS)
    single = json.loads((folder / "index.json").read_text())["manifests"][0]
    manifest = json.loads((folder / "blobs/sha256" / single["digest"][7:]).read_text())
    config = json.loads((folder / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text())
    children = []
    for architecture in ("amd64", "arm64"):
        raw = json.dumps(config | {"architecture": architecture}).encode()
        child = manifest | {"config": manifest["config"] | {"digest": put(folder, raw), "size": len(raw)}}
        raw = json.dumps(child).encode()
        manifests[architecture] = put(folder, raw)
        children.append(
            {
                "mediaType": manifest["mediaType"],
                "digest": manifests[architecture],
                "size": len(raw),
                "platform": {"os": "linux", "architecture": architecture},
            }
        )
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": children}
    raw = json.dumps(index).encode()
    digest = put(folder, raw)
    top = {
        "mediaType": index["mediaType"],
        "digest": digest,
        "size": len(raw),
        "annotations": {"org.opencontainers.image.ref.name": "all"},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    return manifests | {"all": digest}


def write_artifact(folder: Path) -> str:
    """Write a layout with one SBOM, as ORAS stores it; returns the digest of its manifest."""
    (folder / "blobs/sha256").mkdir(parents=True)
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": put(folder, b"{}"), "size": 2}
    file = {"mediaType": "application/spdx+json", "digest": put(folder, b"SPDX"), "size": 4}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/spdx+json",
        "config": empty,
        "layers": [file],
    }
    raw = json.dumps(manifest, indent=3).encode()
    root = {"mediaType": manifest["mediaType"], "digest": put(folder, raw), "size": len(raw)}
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [root]}))
    return digest(raw)


def put(folder: Path, content: bytes) -> str:
    (folder / "blobs/sha256" / digest(content)[7:]).write_bytes(content)
    return digest(content)


@pytest.mark.parametrize("via", ["oci:there:v1", "oci-archive:there.tar:v1", "docker-archive:there.tar:hello:v1"])
def test_there_and_back_the_image_is_the_same(via: str, archive: str, conda_docker: Run, tmp_path: Path) -> None:
    assert conda_docker("copy", archive, via).returncode == 0
    result = conda_docker("copy", via, "docker-archive:back.tar:hello:latest")
    assert result.returncode == 0
    first, last = (open_image(str(tmp_path / name)) for name in ("hello.tar", "back.tar"))
    assert last.config_file.raw == first.config_file.raw
    assert last.list_files() == first.list_files()
    assert last.name == "hello"


def test_digests_stay_between_layouts(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    conda_docker("copy", layout, "oci-archive:copy.tar", "--debug")
    source, copy = (open_image(f"{name}") for name in (f"oci:{tmp_path}/layout", f"oci-archive:{tmp_path}/copy.tar"))
    assert copy.manifest.raw == source.manifest.raw


def test_the_summary_names_place_digest_and_size(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("copy", layout, "oci:copy:v2")
    rows = {line[:9].strip(): line[9:] for line in result.stdout.splitlines()}
    manifest = open_image(f"oci:{tmp_path}/layout").manifest
    assert rows["written"] == "oci:copy:v2"
    assert rows["digest"] == manifest.digest
    assert rows["image ID"] == manifest.config.digest
    assert rows["size"].endswith(" in 2 layers")


def test_no_digest_is_broken_by_80_columns(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    write_index(tmp_path / "many")
    for words in ([layout], ["--all", "oci:many:all"]):
        result = conda_docker("copy", *words, "oci:other")
        found = [len(line) for line in result.stdout.splitlines() if "sha256:" in line]
        assert found
        assert max(found) <= 80


def test_quiet_prints_the_digest_alone(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("copy", "-q", layout, "oci:copy")
    assert (result.stdout, result.stderr) == (open_image(f"oci:{tmp_path}/layout").digest + "\n", "")


def test_the_report_is_json(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("copy", "--json", layout, "oci:copy")
    report = json.loads(result.stdout)
    manifest = open_image(f"oci:{tmp_path}/layout").manifest
    assert report | {"seconds": 0} == {
        "source": "oci:layout",
        "destination": "oci:copy",
        "digest": manifest.digest,
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "id": manifest.config.digest,
        "size": sum(layer.size for layer in manifest.layers),
        "layers": 2,
        "bytes_moved": report["bytes_moved"],
        "seconds": 0,
    }


@pytest.mark.parametrize("options", [[], ["--compression", "zstd"]])
def test_progress_is_a_line_a_blob_by_what_made_it(layout: str, options: list[str], conda_docker: Run) -> None:
    result = conda_docker("copy", *options, layout, "oci-archive:copy.tar")
    told = {line.partition(":")[0] for line in result.stderr.splitlines()}
    assert told == {"layer 0", "layer 1", "config"} | ({"zstd layer 0", "zstd layer 1"} if options else set())


def test_the_summary_of_what_can_be_run_says_how(layout: str, conda_docker: Run) -> None:
    lines = conda_docker("copy", layout, "docker-archive:copy.tar:app:1.0").stdout.splitlines()
    assert re.fullmatch(r"run it +(docker|podman) load -i copy.tar && \1 run --rm -it app:1.0", lines[-1])


@pytest.mark.parametrize(("kind", "media_type"), [("zstd", "tar+zstd"), ("none", "layer.v1.tar"), ("gzip", "tar+gzip")])
def test_layers_are_compressed_anew(
    kind: str, media_type: str, archive: str, conda_docker: Run, tmp_path: Path
) -> None:
    assert conda_docker("copy", "--compression", kind, archive, "oci:copy").returncode == 0
    image = open_image(f"oci:{tmp_path}/copy")
    assert all(layer.descriptor.media_type.endswith(media_type) for layer in image.layers)
    assert [layer.diff_id for layer in reversed(image.layers)] == [digest(layer) for layer in LAYERS]


def test_uncompressed_layers_in_a_registry_are_said(
    layout: str, conda_docker: Run, registry: peers.Registry, repository: str
) -> None:
    """Those of an engine come so, and nobody would guess why the push is large."""
    assert conda_docker("copy", "--compression", "none", layout, "plain.tar").returncode == 0
    target = f"docker://{registry.host}/{repository}"
    plain = conda_docker("copy", "plain.tar", f"{target}:plain")
    assert f"note: uncompressed in {target}:plain, as in SRC: {len(LAYERS)} layers (" in plain.stderr
    for options in (["--compression", "gzip", "plain.tar", f"{target}:gzip"], ["plain.tar", "oci:plain:1"]):
        assert "uncompressed in" not in conda_docker("copy", *options).stderr


def test_a_level_is_passed_on(archive: str, conda_docker: Run, tmp_path: Path) -> None:
    for level in ("1", "12"):
        conda_docker("copy", "--compression", "gzip", "--compression-level", level, archive, f"oci:copy{level}")
    fast, small = (open_image(f"oci:{tmp_path}/copy{level}") for level in ("1", "12"))
    assert sum(layer.size for layer in small.layers) < sum(layer.size for layer in fast.layers)
    with small.layers[0].open() as stream:
        assert gzip.decompress(stream.read()) == LAYERS[1]


def test_the_format_can_be_chosen(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("copy", "--format", "docker", layout, "oci:copy")
    assert result.returncode in {0, 7}
    if result.returncode:
        assert "an OCI layout cannot hold an image in the docker format" in result.stderr
    else:
        assert "docker" in open_image(f"oci:{tmp_path}/copy").manifest.media_type


def test_one_platform_of_many(conda_docker: Run, tmp_path: Path) -> None:
    manifests = write_index(tmp_path / "many")
    result = conda_docker("copy", "-q", "--platform", "linux/arm64", "oci:many:all", "oci-archive:one.tar")
    assert result.stdout.strip() == manifests["arm64"]


def test_all_platforms(conda_docker: Run, tmp_path: Path) -> None:
    manifests = write_index(tmp_path / "many")
    result = conda_docker("copy", "--all", "oci:many:all", "oci:copy:all")
    assert manifests["all"] in result.stdout
    assert "linux/arm64" in result.stdout
    source = open_source(f"oci:{tmp_path}/copy:all")
    for architecture in ("amd64", "arm64"):
        assert image_of(source, Platform("linux", architecture)).digest == manifests[architecture]


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--all", "--platform", "linux/arm64", "oci:a", "oci:b"], "mutually exclusive"),
        (["--platform", "1/2/3/4", "oci:a", "oci:b"], "platform"),
        (["--compression-level", "3", "oci:a", "oci:b"], "--compression"),
        (["--compression", "gzip", "--compression-level", "13", "oci:a", "oci:b"], "1 to 12"),
        (["--compression", "zstd", "--compression-level", "0", "oci:a", "oci:b"], "1 to 22"),
        (["oci:a", "nowhere"], "oci-archive:PATH"),
        (["oci:a", "docker://host/UPPER"], "lower case"),
        (["docker://host/UPPER", "oci:a"], "lower case"),
        (["--username", "me", "oci:a", "oci:b"], "neither"),
        (["--username", "me", "docker://a", "docker://b"], "--src-username"),
        (["--password-stdin", "docker://a", "oci:b"], "--username"),
        (["--src-username", "me", "docker://a", "oci:b"], "CONDA_DOCKER_SRC_PASSWORD"),
        (["--username", "me", "docker://a", "oci:b"], "CONDA_DOCKER_PASSWORD"),
        (
            ["--src-username", "me", "--dest-username", "me", "--password-stdin", "docker://a", "docker://b"],
            "set CONDA_DOCKER_SRC_PASSWORD and CONDA_DOCKER_DEST_PASSWORD instead",
        ),
    ],
)
def test_wrong_usage(args: list[str], word: str, conda_docker: Run) -> None:
    result = conda_docker("copy", *args)
    assert result.returncode == 2
    assert word in result.stderr


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["oci:layout", "missing/folder/x.tar"], "missing/folder"),
        (["oci:layout:nothing", "x.tar"], "nothing"),
        (["--cacert", "missing.pem", "docker://localhost:1/a", "x.tar"], "missing.pem"),
        (["docker://localhost:1/a", "x.tar"], "localhost:1"),
    ],
)
def test_what_cannot_be_copied_leaves_nothing(
    args: list[str], word: str, layout: str, conda_docker: Run, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = conda_docker("copy", *args)
    assert result.returncode in FAILURES
    assert result.stdout == ""
    assert word in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_source_leaves_nothing(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    layer = open_image(f"oci:{tmp_path}/layout").layers[0]
    blob = tmp_path / "layout/blobs/sha256" / layer.digest.encoded
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    for destination in ("oci-archive:copy.tar", "oci:copy", "copy.tar"):
        result = conda_docker("copy", layout, destination)
        assert result.returncode == 7
        assert "damaged" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"home", "layout"}


def test_an_existing_archive_is_replaced_only_by_a_whole_one(
    archive: str, layout: str, conda_docker: Run, tmp_path: Path
) -> None:
    before = (tmp_path / archive).read_bytes()
    assert conda_docker("copy", "oci:layout:nothing", archive).returncode == 4
    assert (tmp_path / archive).read_bytes() == before
    assert conda_docker("copy", layout, f"docker-archive:{archive}:new:v1").returncode == 0
    assert open_image(str(tmp_path / archive)).tag == "v1"


def test_an_archive_gets_the_mode_of_any_new_file(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    conda_docker("copy", layout, "oci-archive:copy.tar")
    (tmp_path / "other").touch()
    assert stat.S_IMODE((tmp_path / "copy.tar").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_to_a_registry_and_back(
    layout: str, conda_docker: Run, registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    pushed = conda_docker("copy", "-q", layout, f"docker://{registry.host}/{repository}:v1")
    pulled = conda_docker("copy", "-q", f"{registry.host}/{repository}:v1", "oci:back")
    assert (pushed.returncode, pulled.returncode) == (0, 0)
    assert pushed.stdout == pulled.stdout
    again = conda_docker("copy", layout, f"docker://{registry.host}/{repository}:v2")
    assert again.stderr.count(": exists") == 3


@pytest.mark.parametrize("way", ["stdin", "environment"])
def test_a_password_comes_from_standard_input_or_the_environment(
    way: str, layout: str, conda_docker: Run, start_registry: Callable[..., peers.Registry]
) -> None:
    host = start_registry(htpasswd={"alice": "secret"}).host
    command = ["copy", layout, f"docker://{host}/a:v1"]
    refused = conda_docker(*command)
    assert refused.returncode == 5
    if way == "stdin":
        result = conda_docker(*command, "--username", "alice", "--password-stdin", input="secret\n")
    else:
        result = conda_docker(*command, "--username", "alice", env={"CONDA_DOCKER_PASSWORD": "secret"})
    assert result.returncode == 0
    wrong = conda_docker(*command, "--username", "alice", "--password-stdin", input="wr0ng\n")
    assert wrong.returncode == 5
    assert "wr0ng" not in wrong.stderr + wrong.stdout


def test_certificates_are_checked_unless_told_otherwise(
    layout: str, conda_docker: Run, start_registry: Callable[..., peers.Registry], tmp_path: Path
) -> None:
    certified = self_signed(tmp_path / "tls")
    host = start_registry(tls=(certified.certificate, certified.key_file)).host
    command = ["copy", layout, f"docker://{host}/a:v1"]
    for refused in ([], ["--insecure", "other.example.org"], ["--src-insecure"]):
        result = conda_docker(*command, *refused)
        assert result.returncode == 6
        assert "certificate" in result.stderr
    for accepted in (["--insecure", host], ["--dest-insecure"], ["--cacert", str(certified.certificate)]):
        assert conda_docker(*command, *accepted).returncode == 0
    inspected = conda_docker("inspect", f"docker://{host}/a:v1", "--insecure", host)
    validated = conda_docker("validate", f"docker://{host}/a:v1", "--cacert", str(certified.certificate))
    assert (inspected.returncode, validated.returncode) == (0, 0)


def test_each_end_has_a_login_of_its_own(
    layout: str, conda_docker: Run, start_registry: Callable[..., peers.Registry]
) -> None:
    first, second = (start_registry(htpasswd={name: f"of-{name}"}).host for name in ("alice", "bob"))
    secrets = {"CONDA_DOCKER_SRC_PASSWORD": "of-alice", "CONDA_DOCKER_DEST_PASSWORD": "of-bob"}
    names = ["--src-username", "alice", "--dest-username", "bob"]
    seed = conda_docker(
        "copy", layout, f"docker://{first}/a:v1", "--dest-username", "alice", "--password-stdin", input="of-alice"
    )
    assert seed.returncode == 0
    result = conda_docker("copy", f"docker://{first}/a:v1", f"docker://{second}/b:v1", *names, env=secrets)
    assert result.returncode == 0


@pytest.mark.parametrize("place", ["oci:copy", "oci-archive:copy.tar", "dir:copy"])
def test_what_is_not_an_image_is_copied_byte_for_byte(place: str, conda_docker: Run, tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "sbom")
    copied = conda_docker("copy", "oci:sbom", place)
    assert copied.returncode == 0
    assert "application/spdx+json (not an image)" in copied.stdout
    assert json.loads(conda_docker("inspect", "--json", place).stdout)["artifact"]["digest"] == digest


def test_what_is_not_an_image_is_not_converted(conda_docker: Run, tmp_path: Path) -> None:
    write_artifact(tmp_path / "sbom")
    for options in (["--format", "docker", "oci:sbom", "dir:copy"], ["oci:sbom", "copy.tar"]):
        result = conda_docker("copy", *options)
        assert (result.returncode, result.stdout) == (7, "")
        assert "is not an image" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"sbom", "home"}


def test_an_artifact_goes_through_a_registry_unchanged(
    registry: peers.Registry, repository: str, conda_docker: Run, tmp_path: Path
) -> None:
    digest = write_artifact(tmp_path / "sbom")
    place = f"docker://{registry.host}/{repository}:sbom"
    for source, destination in (("oci:sbom", place), (place, "oci-archive:back.tar"), (place, f"{place}-2")):
        copied = conda_docker("copy", "-q", source, destination)
        assert (copied.returncode, copied.stdout) == (0, f"{digest}\n")
        assert "is valid (1 artifact, " in conda_docker("validate", destination).stdout


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_has_the_archive_alone(program: Run, archive: str, tmp_path: Path, path: str) -> None:
    result = program("copy", archive, f"docker-archive:{path}:hello:1")
    assert result.returncode == 0, result.stderr
    (tmp_path / "piped.tar").write_bytes(result.stdout.encode())
    assert (
        open_image(f"docker-archive:{tmp_path}/piped.tar").id == open_image(f"docker-archive:{tmp_path}/{archive}").id
    )
    assert "\nwritten  docker-archive:" in result.stderr


def test_standard_output_is_not_shared_with_json(program: Run, archive: str) -> None:
    result = program("copy", archive, "docker-archive:/dev/stdout", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--json and DST would both be written to standard output; give one a file" in result.stderr
