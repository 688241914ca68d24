"""Packages come from where a build would take them."""

from __future__ import annotations

from pathlib import Path

from conda_docker.build_options import BuildOptions
from conda_docker.image.package_places import Place, package_places
from conda_docker.resolution.lock import lock
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.layers.ingredients import Pantry


def test_an_archive_of_a_channel_on_this_machine(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    environment = lock(["a"], channels=[synthetic_channel.url], override_channels=True, platform=Platform())
    [found] = package_places([(environment.packages, None)], BuildOptions(), tmp_path / "cache")
    assert (found.place, found.path and found.path.is_file()) == (Place.ARCHIVE, True)


def test_a_package_whose_layer_is_known_is_looked_for_nowhere(tmp_path: Path) -> None:
    pantry = Pantry(tmp_path)
    [member] = pantry.add(SyntheticPackage(name="a"))
    [made] = pantry.make([[member]])
    [found] = package_places([([member], made)], BuildOptions(offline=True), tmp_path / "cache")
    assert (found.member, found.place, found.path) == (member, Place.LAYER, None)
