"""create_image: one call from what is wanted to an image."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from conda_docker import BuildOptions, create_image, read_environments
from conda_docker.errors import InvalidEnvironment
from python_docker import Image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.settings import home

__all__ = ["home"]


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of two packages."""
    synthetic_channel.add(SyntheticPackage(name="tool", version="3.12.1"), SyntheticPackage(name="library"))
    return synthetic_channel


def make(channel: SyntheticChannel, specs: Any, **fields: Any) -> Image:
    fields = {"base": "scratch", "platform": "linux-64", "options": BuildOptions(use_cache=False), **fields}
    return create_image(specs, channels=channel.url, override_channels=True, **fields)


def test_spelling_and_order_of_specs_change_nothing(channel: SyntheticChannel) -> None:
    spellings = [
        ["tool=3.12", "library"],
        ["library", "tool=3.12"],
        [" library", "tool = 3.12.*", "library"],
        ["tool[version='3.12.*']", "Library"],
    ]
    assert len({make(channel, specs).digest for specs in spellings}) == 1


def test_the_name_of_the_image(channel: SyntheticChannel) -> None:
    image = make(channel, "tool", image="localhost:5000/demo:1.0")
    assert (image.name, image.tag) == ("localhost:5000/demo", "1.0")


def test_notes_are_logged(channel: SyntheticChannel, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [tool]\nunheard: of\n")
    with caplog.at_level(logging.WARNING, "conda_docker"):
        make(channel, (), file=file)
    assert any("'unheard' is not known" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"specs": ()}, InvalidEnvironment, "no environment was described"),
        ({"platform": "linux/amd64,linux/arm64"}, ValueError, "platform must be one platform"),
        ({"platform": 64}, TypeError, "platform must be"),
        ({"channels": 1}, TypeError, "channels must be"),
        ({"file": 1}, TypeError, "file must be a path"),
        ({"image": None}, TypeError, "image must be a name"),
        ({"options": {"trim": False}}, TypeError, "options must be BuildOptions"),
    ],
)
def test_arguments_that_cannot_be_used(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        create_image(**{"specs": "tool", "base": "scratch", **fields})


def write_prefix(folder: Path, channel: SyntheticChannel, *packages: SyntheticPackage, **fields: Any) -> Path:
    """Write an environment of these packages, whose records lack what `fields` say."""
    meta = folder / "env" / "conda-meta"
    meta.mkdir(parents=True)
    for package in packages:
        record = {**channel.record(package), "fn": package.file_name(), **fields}
        record["url"] = f"{channel.url}/{package.folder}/{package.file_name()}"
        kept = {name: value for name, value in record.items() if value is not None}
        (meta / f"{package.stem}.json").write_text(json.dumps(kept))
    return meta.parent


def build_prefix(prefix: Path) -> Image:
    return create_image(prefix=prefix, base="scratch", options=BuildOptions(use_cache=False, bytecode="never"))  # type: ignore[arg-type]


def test_records_that_nobody_filled_in_are_completed_by_the_packages(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    base = SyntheticPackage(name="zlib", files={"share/z": b"z"})
    user = SyntheticPackage(name="app", depends=["zlib"], timestamp=1_700_000_000_000, files={"share/a": b"a"})
    synthetic_channel.add(base, user)
    unfilled = {"size": 0, "depends": [], "timestamp": 0, "md5": "", "sha256": ""}
    image = build_prefix(write_prefix(tmp_path / "one", synthetic_channel, base, user, **unfilled))
    # In the order of what needs what, which an empty `depends` would not give.
    [environment] = read_environments(image)
    assert [package.name for package in environment.packages] == ["zlib", "app"]
    assert image.digest == build_prefix(write_prefix(tmp_path / "two", synthetic_channel, base, user)).digest


def test_the_modules_of_a_free_threaded_python(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    path = "lib/python3.13t/site-packages"
    python = SyntheticPackage(name="python", version="3.13.1", build="h1_0_cp313t", python_site_packages_path=path)
    module = SyntheticPackage(name="module", noarch="python", depends=["python"], files={"site-packages/m.py": b""})
    synthetic_channel.add(python, module)
    prefix = write_prefix(tmp_path, synthetic_channel, python, module, python_site_packages_path=None)
    assert f"opt/conda/{path}/m.py" in build_prefix(prefix).list_files()


def test_a_file_in_place_of_packages_is_named_with_the_argument_for_it() -> None:
    with pytest.raises(ValueError, match=r"give it as file='environment\.yml'"):
        create_image("environment.yml")
