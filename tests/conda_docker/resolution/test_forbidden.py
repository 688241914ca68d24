"""What conda's configuration forbids is in no image, however it was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import Unsolvable
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel, home: Path) -> SyntheticChannel:
    """Return a channel with packages of which the configuration disallows one."""
    (home / ".condarc").write_text("disallow: [library >=2]\n")
    synthetic_channel.add(
        SyntheticPackage(name="app", depends=["library"]),
        SyntheticPackage(name="library", version="1.0"),
        SyntheticPackage(name="library", version="2.0"),
    )
    return synthetic_channel


def test_a_package_that_a_solver_chose(channel: SyntheticChannel) -> None:
    request = Request(specs=("app",), channels=(channel.url,), override_channels=True, base="scratch")
    with pytest.raises(Unsolvable, match=r"disallowed_packages .* does not allow library-2\.0-0 \(by 'library >=2'\)"):
        resolve(request)


def test_a_package_that_a_lock_file_lists(channel: SyntheticChannel, tmp_path: Path) -> None:
    listed = tmp_path / "explicit.txt"
    for version in ("1.0", "2.0"):
        listed.write_text(f"@EXPLICIT\n{channel.url}/linux-64/library-{version}-0.conda\n")
        if version == "1.0":
            resolve(Request(files=(listed,), base="scratch"))
            continue
        with pytest.raises(Unsolvable, match="disallowed_packages"):
            resolve(Request(files=(listed,), base="scratch"))
