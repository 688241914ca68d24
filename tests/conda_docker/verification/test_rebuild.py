"""All layers of an image are made again from its history, and what differs is found."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import random
import re
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.generator import Size, make_channel
from conda_docker.build_options import BuildOptions
from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import SandboxUnavailable
from conda_docker.image.assemble import build_image
from conda_docker.provenance import reading
from conda_docker.provenance.installed import WHEEL_BUILD, InstalledPackage
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from conda_docker.verification.rebuild import rebuild
from conda_docker.verification.report import LayerVerdict, Outcome, RebuildReport
from conda_docker.verification.unverified import is_from_project
from python_docker.copying.choose import image_of
from python_docker.copying.copy import put_image
from python_docker.errors import InvalidDocument, NotFound
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.streams.compression import Compression
from python_docker.tar import TarEntry
from python_docker.transports import Location, destination, open_source
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.pypi.conftest import wheels as wheels
from tests.conda_docker.pypi.wheels import make_wheel
from tests.peers import Registry

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python", mode=0o755)})
NUMPY = SyntheticPackage(name="numpy", depends=("python",), files={"lib/numpy.so": b"numpy", "share/both": b"numpy's"})
OTHER = SyntheticPackage(
    name="other", depends=("numpy",), files={"share/both": b"other's", "etc/conda/activate.d/o.sh": b"export A=1\n"}
)
PURE = SyntheticPackage(
    name="pure", noarch="python", depends=("python",), files={"site-packages/pure/__init__.py": b"x = 1\n"}
)
PACKAGES = (PYTHON, NUMPY, OTHER, PURE)


@pytest.fixture
def locked(synthetic_channel: SyntheticChannel) -> LockedEnvironment:
    synthetic_channel.add(*PACKAGES)
    packages = tuple(synthetic_channel.locked(package) for package in PACKAGES)
    return LockedEnvironment("linux-64", (), ("other",), variables={"B": "2"}).with_packages(packages)


def built(locked: LockedEnvironment, cache: Path, base: Image | None = None, **changes: Any) -> Image:
    fields: dict[str, Any] = {"cache_dir": cache, "bytecode": "never", **changes}
    return build_image(locked, base, BuildOptions(**fields)).image


def remade(image: Image, tmp_path: Path, **changes: Any) -> RebuildReport:
    """Make the layers of an image again, in a cache of their own."""
    return rebuild(image, options=BuildOptions(cache_dir=tmp_path / "other-cache"), **changes)


def outcomes(report: RebuildReport) -> list[tuple[str, str]]:
    return [(layer.kind, str(layer.outcome)) for layer in report.layers]


def of(report: RebuildReport, package: str) -> LayerVerdict:
    return next(layer for layer in report.layers if package in layer.packages)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layering": "single"},
        {"max_layers": 3},
        {"compression": "zstd"},
        {"compression": "none"},
        {"compression_level": 9},
        {"trim": True, "exclude": ("*.md",)},
        {"prefix": "/srv/app"},
        {"activate": "never"},
        {"frozen": True},
        {"user": "1000", "user_name": "app", "home": "/srv/app"},
    ],
    ids=str,
)
def test_every_layer_of_a_build_is_made_again(
    locked: LockedEnvironment, tmp_path: Path, changes: dict[str, Any]
) -> None:
    report = remade(built(locked, tmp_path / "cache", **changes), tmp_path)
    assert {layer.outcome for layer in report.layers} == {Outcome.IDENTICAL}
    assert report.ok
    assert report.complete


def test_activation_scripts_of_a_project_are_in_the_history(locked: LockedEnvironment, tmp_path: Path) -> None:
    scripts = (ActivationScript("setup.sh", "export B=1\n"),)
    report = remade(built(replace(locked, scripts=scripts), tmp_path / "cache"), tmp_path)
    assert (report.ok, report.complete) == (True, True)


def test_compiled_modules_are_compiled_again(locked: LockedEnvironment, tmp_path: Path) -> None:
    python = SyntheticPackage(name="python", version=platform.python_version(), files={"bin/python": b"python"})
    channel = SyntheticChannel(tmp_path / "another")
    channel.add(python, PURE)
    packages = LockedEnvironment("linux-64", ()).with_packages((channel.locked(python), channel.locked(PURE)))
    image = built(packages, tmp_path / "cache", bytecode="always")
    assert any(path.endswith(".pyc") for path in image.list_files())
    report = remade(image, tmp_path)
    assert report.ok
    assert report.complete


def changed(image: Image, package: str, change: Callable[[bytes], bytes]) -> Image:
    """Return the image with a layer whose tar is changed, and all digests to match: what an attacker would make."""
    image = image.copy()
    for number, layer in enumerate(image.layers):
        if package in [found.name for found in reading.packages_of_layer(layer)]:
            with layer.open_uncompressed() as stream:
                tar = change(stream.read())
            blob = Blob.from_bytes(gzip.compress(tar), layer.descriptor.media_type)
            diff_id = type(layer.diff_id)(f"sha256:{hashlib.sha256(tar).hexdigest()}")
            image.layers[number] = Layer(blob, diff_id, config=layer.config, history=layer.history)
    return image


def test_one_changed_byte_is_found_and_its_file_named(locked: LockedEnvironment, tmp_path: Path) -> None:
    original = built(locked, tmp_path / "cache")
    tampered = changed(original, "pure", lambda tar: tar.replace(b"x = 1", b"x = 2", 1))
    report = remade(tampered, tmp_path)
    assert not report.ok
    [different] = report.having(Outcome.DIFFERENT)
    assert different.packages == ("pure",)
    assert different.differences == ("opt/conda/lib/python3.12/site-packages/pure/__init__.py: different content",)
    assert len(report.verified) == len(report.layers) - 1


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[LockedEnvironment, Image]:
    """Return a small one of the environments that the benchmarks generate, and its image."""
    folder = tmp_path_factory.mktemp("generated")
    channel = make_channel(Size(5, 60), folder / "channel")
    request = Request(
        specs=("everything",),
        channels=(channel.url,),
        override_channels=True,
        platforms="linux-64",  # type: ignore[arg-type]
        base="scratch",
        options=BuildOptions(cache_dir=folder / "cache"),
    )
    [resolved] = resolve(request)
    return resolved.environment, build_image(resolved.environment, None, request.options).image


def test_environments_of_the_benchmarks_are_made_again(
    generated: tuple[LockedEnvironment, Image], tmp_path: Path
) -> None:
    environment, image = generated
    report = remade(image, tmp_path)
    assert (report.ok, report.complete) == (True, True)
    assert {name for layer in report.layers for name in layer.packages} == {
        package.name for package in environment.packages
    }


@pytest.mark.parametrize("number", range(3))
def test_one_changed_byte_in_an_environment_of_the_benchmarks(
    number: int, generated: tuple[LockedEnvironment, Image], tmp_path: Path
) -> None:
    """Anywhere in the content of any file of any package."""
    environment, image = generated
    chance = random.Random(number)
    package = chance.choice([package.name for package in environment.packages if package.name != "everything"])
    places: list[str] = []

    def flipped(tar: bytes) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            member = chance.choice([one for one in archive if one.isfile() and one.size])
        place = member.offset_data + chance.randrange(member.size)
        places.append(member.name)
        return tar[:place] + bytes([tar[place] ^ 1 << chance.randrange(8)]) + tar[place + 1 :]

    report = remade(changed(image, package, flipped), tmp_path)
    assert not report.ok
    [different] = report.having(Outcome.DIFFERENT)
    assert (different.packages, different.differences) == ((package,), (f"{places[0]}: different content",))


def test_a_file_that_was_put_in_is_found(locked: LockedEnvironment, tmp_path: Path) -> None:
    def with_file(tar: bytes) -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(tar)) as old, tarfile.open(fileobj=stream, mode="w") as new:
            for member in old:
                new.addfile(member, old.extractfile(member) if member.isfile() else None)
            new.addfile(tarfile.TarInfo("opt/conda/bin/backdoor"))
        return stream.getvalue()

    report = remade(changed(built(locked, tmp_path / "cache"), "numpy", with_file), tmp_path)
    assert "opt/conda/bin/backdoor: not in any package" in of(report, "numpy").differences


def test_a_damaged_blob_is_found(locked: LockedEnvironment, tmp_path: Path) -> None:
    image = built(locked, tmp_path / "cache", compression="none")
    with destination(f"oci:{tmp_path / 'layout'}:a") as target:
        put_image(image, target)
    digest = next(layer.digest for layer in image.layers if "numpy" in str(reading.packages_of_layer(layer)))
    blob = tmp_path / "layout" / "blobs" / "sha256" / digest.encoded
    content = blob.read_bytes()
    blob.write_bytes(content.replace(b"numpy", b"numpY", 1))
    source = open_source(f"oci:{tmp_path / 'layout'}:a")
    report = remade(image_of(source), tmp_path)
    assert "digest" in (of(report, "numpy").reason or "")
    assert not report.ok
    # Digests alone do not show it.
    assert remade(image_of(source), tmp_path, read_layers=False).ok
    source.close()


def test_only_some_packages(locked: LockedEnvironment, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    image = built(locked, tmp_path / "cache")
    synthetic_channel.path(PURE).unlink()
    report = remade(image, tmp_path, packages=["other"])
    assert [layer.packages for layer in report.verified] == [("other",)]
    assert (report.ok, list(report.missing)) == (True, [])
    assert not remade(image, tmp_path, packages=["other", "pure"]).ok
    assert not report.complete


def without_hash(image: Image, package: str) -> Image:
    """Return the image with a history that lacks a package's hashes."""
    image = image.copy()
    for number, layer in enumerate(image.layers):
        if package in [found.name for found in reading.packages_of_layer(layer)]:
            [entry] = layer.history
            comment = re.sub(r"#(sha256:)?[0-9a-f]{32,64}", "", entry.comment or "")
            assert comment != entry.comment
            history = (replace(entry, comment=comment),)
            image.layers[number] = Layer(layer.blob, layer.diff_id, config=layer.config, history=history)
    return image


@pytest.mark.parametrize("packages", [(), ("pure",), ("numpy", "pure")], ids=str)
def test_a_layer_of_a_package_without_a_hash_never_passes(
    locked: LockedEnvironment, tmp_path: Path, packages: tuple[str, ...]
) -> None:
    """Whoever changes a layer can take the package's hash from the history, too."""
    image = changed(built(locked, tmp_path / "cache"), "pure", lambda tar: tar.replace(b"x = 1", b"x = 2", 1))
    report = remade(without_hash(image, "pure"), tmp_path, packages=packages)
    assert "the history has no hash" in (of(report, "pure").reason or "")
    assert not report.ok


def test_a_url_with_credentials_in_the_history(locked: LockedEnvironment, tmp_path: Path) -> None:
    image = built(locked, tmp_path / "cache")
    for number, layer in enumerate(image.layers):
        history = tuple(
            replace(entry, comment=(entry.comment or "").replace("file:///", "https://me:secret@example.com/"))
            for entry in layer.history
        )
        image.layers[number] = Layer(layer.blob, layer.diff_id, config=layer.config, history=history)
    with pytest.raises(InvalidDocument, match="such as credentials or a token") as caught:
        remade(image, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_package_that_lost_a_path_to_another(locked: LockedEnvironment, tmp_path: Path) -> None:
    """`numpy` alone would have the file that `other` wins."""
    report = remade(built(locked, tmp_path / "cache"), tmp_path, packages=["numpy"])
    assert of(report, "numpy").outcome is Outcome.IDENTICAL


def test_a_name_of_no_package(locked: LockedEnvironment, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="the image has no package scipy"):
        remade(built(locked, tmp_path / "cache"), tmp_path, packages=["scipy"])


def test_a_package_that_is_gone(locked: LockedEnvironment, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    image = built(locked, tmp_path / "cache")
    synthetic_channel.path(PURE).unlink()
    report = remade(image, tmp_path)
    assert of(report, "pure").outcome is Outcome.UNVERIFIED
    assert "it cannot be made: " in (of(report, "pure").reason or "")
    assert of(report, "numpy").outcome is Outcome.IDENTICAL
    assert report.ok


def test_a_package_that_is_another_now(
    locked: LockedEnvironment, tmp_path: Path, synthetic_channel: SyntheticChannel
) -> None:
    image = built(locked, tmp_path / "cache")
    archive = synthetic_channel.path(PURE)
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert of(remade(image, tmp_path), "pure").outcome is Outcome.UNVERIFIED


def test_added_files_and_what_another_program_adds(locked: LockedEnvironment, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(b"")
    image = built(locked, tmp_path / "cache", add=[(str(tmp_path / "app.py"), "/srv/app.py")])
    report = remade(image, tmp_path)
    assert outcomes(report)[-2:] == [("environment", "identical"), ("other", "unverified")]
    assert report.ok
    assert not report.complete


def test_another_compression_is_the_same_content(locked: LockedEnvironment, tmp_path: Path) -> None:
    image = built(locked, tmp_path / "cache")
    layers = [layer.with_blob(layer.compressed(Compression.ZSTD).blob) for layer in image.layers]
    report = remade(image.with_layers(layers, image.format), tmp_path)
    assert {layer.outcome for layer in report.layers} == {Outcome.SAME_CONTENT}
    assert report.ok


def test_a_diff_id_that_lies(locked: LockedEnvironment, tmp_path: Path) -> None:
    """A layer of other bytes that claims the diff ID of the right one."""
    image = built(locked, tmp_path / "cache")
    tampered = changed(image, "pure", lambda tar: tar.replace(b"x = 1", b"x = 2", 1))
    layers = [
        Layer(new.blob, old.diff_id, config=new.config, history=new.history)
        for old, new in zip(image.layers, tampered.layers, strict=True)
    ]
    report = remade(image.with_layers(layers, image.format), tmp_path)
    assert of(report, "pure").outcome is Outcome.DIFFERENT


def test_an_image_of_an_earlier_release(locked: LockedEnvironment, tmp_path: Path) -> None:
    """What its history does not say is taken to be as by default, and no difference is held against it."""

    def forget(image: Image) -> Image:
        top = image.layers[0]
        head, _, body = (top.history[0].comment or "").partition("\n")
        request = {key: value for key, value in json.loads(body).items() if key != "build"}
        entry = replace(top.history[0], comment=f"{head}\n{json.dumps(request)}")
        image.layers[0] = Layer(top.blob, top.diff_id, config=top.config, history=(entry,))
        return image

    report = remade(forget(built(locked, tmp_path / "cache")), tmp_path)
    assert report.complete
    report = remade(forget(built(locked, tmp_path / "cache", exclude=("lib/numpy.so",))), tmp_path)
    assert of(report, "numpy").outcome is Outcome.UNVERIFIED
    assert "earlier release" in (of(report, "numpy").reason or "")


def test_wheels_and_what_they_replace(tmp_path: Path, wheels: Path, synthetic_channel: SyntheticChannel) -> None:
    site = "lib/python3.12/site-packages"
    six = {f"{site}/six.py": b"1", f"{site}/six-1.dist-info/METADATA": b"Name: six\n", f"{site}/old.py": b""}
    six[f"{site}/six-1.dist-info/RECORD"] = b"six.py,,\nold.py,,\n"
    synthetic_channel.add(PYTHON, SyntheticPackage(name="six", version="1", depends=("python",), files=six))
    make_wheel(wheels, "six", "2.0", files={"six.py": "2"})
    local = make_wheel(tmp_path, "app", requires=["six"])
    file = tmp_path / "environment.yml"
    pip = f"    - six>=2\n    - ./{local.name}\n"
    file.write_text(f"channels: [{synthetic_channel.url}, nodefaults]\ndependencies:\n  - six\n  - pip:\n{pip}")
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode="never", offline=True)  # type: ignore[arg-type]
    request = Request(files=file, platforms="linux-64", base="scratch", pip_may_replace=True, options=options)  # type: ignore[arg-type]
    [resolved] = resolve(request)
    image = build_image(resolved.environment, None, options).image
    assert f"opt/conda/{site}/old.py" not in image.list_files()
    report = remade(image, tmp_path)
    assert report.complete, report
    assert remade(image, tmp_path, packages=["six"]).ok


def pushed(image: Image, name: str) -> None:
    with destination(f"docker://{name}") as target:
        put_image(image, target)


@pytest.mark.parametrize(
    ("url", "expected"), [("file:///app-1.0-py3-none-any.whl", True), ("file:///srv/app-1.0-py3-none-any.whl", False)]
)
def test_a_wheel_that_was_built_from_a_project(url: str, expected: bool) -> None:
    wheel = InstalledPackage("app", "1.0", WHEEL_BUILD, url, None, "/opt/conda")
    assert is_from_project(wheel) is expected
    assert not is_from_project(replace(wheel, build="0"))


def test_the_bases_layers_are_compared_with_the_base(
    locked: LockedEnvironment, tmp_path: Path, runnable_base: Image, registry: Registry, repository: str
) -> None:
    name = f"{registry.host}/{repository}:base"
    pushed(runnable_base, name)
    base = image_of(open_source(f"docker://{name}"))
    image = built(locked, tmp_path / "cache", base, user="1000")
    report = remade(image, tmp_path)
    assert report.complete, report

    other = image.copy()
    with build_layer(None) as builder:
        builder.add(TarEntry("bin/sh", size=4), b"evil")
    assert builder.layer is not None
    other.layers[-1] = Layer(builder.layer.blob, builder.layer.diff_id, history=other.layers[-1].history)
    found = remade(other, tmp_path)
    assert found.layers[0].outcome is Outcome.DIFFERENT
    assert "bin/sh: different mode, different size, different content" in found.layers[0].differences


def test_a_base_that_is_somewhere_else(locked: LockedEnvironment, tmp_path: Path, runnable_base: Image) -> None:
    for name, image in (("base", runnable_base), ("other", Image())):
        with destination(f"oci:{tmp_path}/{name}:1") as target:
            put_image(image, target)
    base = image_of(open_source(f"oci:{tmp_path}/base:1"))
    image = built(locked, tmp_path / "cache", base)
    assert "say with --base where it is" in (remade(image, tmp_path).layers[0].reason or "")
    assert remade(image, tmp_path, base=Location.parse(f"oci:{tmp_path}/base:1")).complete
    wrong = remade(image, tmp_path, base=Location.parse(f"oci:{tmp_path}/other:1"))
    assert "has the digest" in (wrong.layers[0].reason or "")
    assert not wrong.complete


def test_a_base_that_cannot_be_read(locked: LockedEnvironment, tmp_path: Path, runnable_base: Image) -> None:
    runnable_base.name, runnable_base.tag = "localhost:1/gone", "1"
    report = remade(built(locked, tmp_path / "cache", runnable_base), tmp_path)
    assert report.layers[0].outcome is Outcome.UNVERIFIED
    assert "cannot be read" in (report.layers[0].reason or "")
    assert report.ok


def test_both_environments_of_an_image_on_an_image(locked: LockedEnvironment, tmp_path: Path) -> None:
    lower = built(locked, tmp_path / "cache")
    upper = built(locked, tmp_path / "cache", lower, prefix="/srv/upper")
    assert remade(upper, tmp_path).complete


SCRIPTED = SyntheticPackage(
    name="scripted",
    files={
        "bin/.scripted-post-link.sh": File(
            b'echo "$PKG_NAME $PKG_VERSION $BASE_VARIABLE" > "$PREFIX/made"\nrm "$PREFIX/share/removed"\n', mode=0o755
        ),
        "share/removed": b"1",
    },
)


@pytest.fixture
def scripted(synthetic_channel: SyntheticChannel, tmp_path: Path, runnable_base: Image) -> Image:
    """Return an image in which link scripts ran, on the base at `oci:base:1`."""
    synthetic_channel.add(SCRIPTED)
    locked = LockedEnvironment("linux-64", (synthetic_channel.locked(SCRIPTED),))
    base = runnable_base.copy()
    base.config["Env"] = ["PATH=/usr/bin:/bin", "BASE_VARIABLE=x"]
    with destination(f"oci:{tmp_path}/base:1") as target:
        put_image(base, target)
    base = image_of(open_source(f"oci:{tmp_path}/base:1"))
    return built(locked, tmp_path / "cache", base, link_scripts="run")


def test_link_scripts_run_again_on_request(scripted: Image, tmp_path: Path) -> None:
    assert scripted.filesystem().read("/opt/conda/made") == b"scripted 1.0 x\n"
    place = Location.parse(f"oci:{tmp_path}/base:1")
    report = remade(scripted, tmp_path, base=place)
    [layer] = [layer for layer in report.layers if layer.kind == "link scripts"]
    assert (layer.outcome, "--link-scripts" in (layer.reason or "")) == (Outcome.UNVERIFIED, True)
    report = remade(scripted, tmp_path, base=place, link_scripts=True)
    assert (report.ok, report.complete) == (True, True)
    assert ("link scripts", "identical") in outcomes(report)


def test_one_changed_byte_of_what_link_scripts_made(scripted: Image, tmp_path: Path) -> None:
    [number] = [number for number, layer in enumerate(scripted.layers) if reading.scripts_of_layer(layer)]
    layer = scripted.layers[number]
    with layer.open_uncompressed() as stream:
        tar = stream.read().replace(b"scripted 1.0", b"scripted 2.0")
    blob = Blob.from_bytes(gzip.compress(tar), layer.descriptor.media_type)
    diff_id = type(layer.diff_id)(f"sha256:{hashlib.sha256(tar).hexdigest()}")
    scripted.layers[number] = Layer(blob, diff_id, config=layer.config, history=layer.history)
    report = remade(scripted, tmp_path, base=Location.parse(f"oci:{tmp_path}/base:1"), link_scripts=True)
    [different] = report.having(Outcome.DIFFERENT)
    assert different.kind == "link scripts"
    assert different.differences == ("opt/conda/made: different content",)


def test_link_scripts_without_what_they_need(scripted: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base, whose variables they see; a sandbox; and no network, since it may answer otherwise."""
    place = Location.parse(f"oci:{tmp_path}/base:1")

    def reason(**changes: Any) -> str:
        report = remade(scripted, tmp_path, link_scripts=True, **changes)
        [layer] = [layer for layer in report.layers if layer.kind == "link scripts"]
        assert layer.outcome is Outcome.UNVERIFIED
        return layer.reason or ""

    assert "say with --base where it is" in reason()
    monkeypatch.setattr("conda_docker.scripts.link_scripts.find_sandbox", _no_sandbox)
    assert "no sandbox here" in reason(base=place)
    monkeypatch.undo()
    own = next(layer for layer in scripted.layers if reading.prefix_of_environment(layer))
    [entry] = own.history
    networked = (entry.comment or "").replace('"layerFormat"', '"linkScriptsNetwork": true, "layerFormat"')
    scripted.layers[scripted.layers.index(own)] = Layer(
        own.blob, own.diff_id, config=own.config, history=(replace(entry, comment=networked),)
    )
    assert "had the network" in reason(base=place)


def _no_sandbox() -> None:
    raise SandboxUnavailable("no sandbox here")


def test_the_command(
    program: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(*PACKAGES)
    channel = ("-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "-b", "scratch")
    made = program("build", *channel, "-i", "demo:1", "-o", "oci:demo:1", "--bytecode", "never", "other", "pure")
    assert made.returncode == 0, made.stderr
    result = program("verify", "--rebuild", "--strict", "--json", "oci:demo:1")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["rebuild"]["complete"] is True
    assert [layer["kind"] for layer in report["rebuild"]["layers"]] == ["packages"] * 4 + ["environment"]
    blob = tmp_path / "demo" / "blobs" / "sha256" / report["rebuild"]["layers"][1]["digest"].removeprefix("sha256:")
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    result = program("verify", "--rebuild", "oci:demo:1")
    assert result.returncode == 1
    assert "DIFFERENT" in result.stdout
    partial = program("verify", "--rebuild", "--packages", "pure", "oci:demo:1")
    assert partial.returncode == 0, partial.stderr
    assert "4 layers: they are not among the packages that were asked for" in partial.stdout
    assert "not fully verified: 4 layers not verified: " in partial.stdout.splitlines()[-1]
    assert program("verify", "oci:demo:1").returncode == 2


def test_what_cannot_be_verified_fails_unless_it_is_allowed(
    program: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", files={"bin/tool": b"1"}))
    (tmp_path / "app.py").write_bytes(b"")
    channel = ("-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "-b", "scratch")
    made = program("build", *channel, "-o", "oci:demo:1", "--add", "app.py:/srv/app.py", "tool")
    assert made.returncode == 0, made.stderr
    for option, expected in ((), 1), (("--strict",), 1), (("--allow-unverified",), 0):
        result = program("verify", "--rebuild", *option, "oci:demo:1")
        assert result.returncode == expected, result.stderr
        last = result.stdout.splitlines()[-1]
        assert last.startswith("not fully verified: 1 layer not verified: ")
        assert last.endswith("(other)")
        assert ("--allow-unverified" in result.stderr) is (expected == 1)
    assert program("verify", "--rebuild", "--strict", "--allow-unverified", "oci:demo:1").returncode == 2
