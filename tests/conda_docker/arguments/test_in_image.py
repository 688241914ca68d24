"""What is said of the inside of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.arguments.in_image import to_additions, to_folder, to_home, to_mode, to_ports
from python_docker.errors import InvalidPath


def test_ports() -> None:
    assert to_ports("--expose", ["80", "53/UDP", "5000-5002"]) == (
        "80/tcp",
        "53/udp",
        "5000/tcp",
        "5001/tcp",
        "5002/tcp",
    )


@pytest.mark.parametrize("value", ["0", "65536", "5-4", "http", "80/ip", "-1", "80-"])
def test_other_forms_of_ports_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"--expose: .* is not a valid port"):
        to_ports("--expose", [value])


def test_additions() -> None:
    assert to_additions("--add", ["app:/srv/app", "C:\\x:/y"]) == ((Path("app"), "/srv/app"), (Path("C:\\x"), "/y"))


@pytest.mark.parametrize("value", ["app", "app:", ":/x", "app:relative", "app:/../../etc"])
def test_other_forms_of_additions_are_refused(value: str) -> None:
    messages = "expected SRC:DST|the place in the image (must be an absolute path|may not hold)"
    with pytest.raises(ValueError, match=f"--add: ({messages})"):
        to_additions("--add", [value])


def test_a_mode_is_octal() -> None:
    assert (to_mode("--chmod", "0755"), to_mode("--chmod", 0o644), to_mode("--chmod", None)) == (0o755, 0o644, None)


@pytest.mark.parametrize("value", ["u+x", "1000", "-1", 0o1777])
def test_other_modes_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="--chmod must be"):
        to_mode("--chmod", value)


@pytest.mark.parametrize("value", ["home/app", "/", "/etc", "/home", "/a:b", "/a\nb"])
def test_what_cannot_be_a_home_is_refused(value: str) -> None:
    with pytest.raises(InvalidPath, match="--home"):
        to_home("--home", value)


def test_a_working_folder_is_absolute() -> None:
    assert to_folder("--workdir", "/srv") == "/srv"
    with pytest.raises(InvalidPath, match="--workdir must be an absolute path"):
        to_folder("--workdir", "srv")
