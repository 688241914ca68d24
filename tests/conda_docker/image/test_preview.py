"""What building an image would take agrees with what building it then comes to."""

from __future__ import annotations

from pathlib import Path

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.image.assemble import build_image
from conda_docker.image.package_places import Place
from conda_docker.image.preview import LayerKind, preview_image
from conda_docker.resolution.lock import lock
from python_docker.image import Image
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage

SCRIPTED = SyntheticPackage(
    name="scripted", files={"bin/.scripted-post-link.sh": File(b"echo made > $PREFIX/made\n", mode=0o755)}
)


def environment_of(channel: SyntheticChannel, *specs: str) -> LockedEnvironment:
    return lock(specs, channels=[channel.url], override_channels=True, platform=Platform())


def test_packages_that_share_a_path_are_known_after_a_build(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(*(SyntheticPackage(name=name, files={"x": name.encode()}) for name in "ab"))
    environment, options = environment_of(synthetic_channel, "a", "b"), BuildOptions(cache_dir=tmp_path / "cache")
    assert [package.place for package in preview_image(environment, None, options).packages] == [Place.ARCHIVE] * 2
    built = build_image(environment, None, options)
    preview = preview_image(environment, None, options)
    assert [package.place for package in preview.packages] == [Place.LAYER] * 2
    assert [layer.known and layer.known.digest for layer in preview.layers] == [
        *(layer.digest for layer in built.layers[:2]),
        None,
    ]


def test_a_layer_of_link_scripts_is_known_after_a_build(
    synthetic_channel: SyntheticChannel, tmp_path: Path, runnable_base: Image
) -> None:
    synthetic_channel.add(SCRIPTED)
    environment = environment_of(synthetic_channel, "scripted")
    options = BuildOptions(cache_dir=tmp_path / "cache", link_scripts="run")  # type: ignore[arg-type]
    before = preview_image(environment, runnable_base, options)
    assert [layer.kind for layer in before.layers] == [LayerKind.PACKAGES, LayerKind.ENVIRONMENT]
    assert "packages whose layers are not known may have link scripts as well" in before.notes
    built = build_image(environment, runnable_base, options)
    after = preview_image(environment, runnable_base, options)
    assert [layer.kind for layer in after.layers] == [
        LayerKind.PACKAGES,
        LayerKind.LINK_SCRIPTS,
        LayerKind.ENVIRONMENT,
    ]
    assert [layer.known and layer.known.digest for layer in after.layers[:2]] == [
        layer.digest for layer in built.layers[:2]
    ]
