"""What activation scripts set is known before a container starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.sandbox import Sandbox
from conda_docker.scripts import activation_scripts
from conda_docker.scripts.activation_scripts import Evaluated, difference, evaluate, in_common
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import EntryType, TarEntry

FOLDER = "/opt/conda/etc/conda/activate.d"
BEFORE = {"PATH": "/opt/conda/bin:/bin", "CONDA_PREFIX": "/opt/conda", "OLD": "old"}


def run(base: Image, sandbox: Sandbox, *scripts: str) -> Evaluated:
    image = base.copy()
    paths = [f"{FOLDER}/{number}.sh" for number in range(len(scripts))]
    image.add_layer_contents({path: text.encode() for path, text in zip(paths, scripts, strict=True)})
    return evaluate(list(reversed(image.layers)), paths, "/opt/conda", BEFORE, home="/home/app", sandbox=sandbox)


def test_variables_that_scripts_export(base: Image, sandbox: Sandbox) -> None:
    found = run(
        base,
        sandbox,
        'export GDAL_DATA="$CONDA_PREFIX/share/gdal"\nlocal_only=1',
        'if [ -d /etc ]; then export PATH="$PATH:/extra"; fi\nexport LINES="a\nb"',
        "unset OLD\nf() { :; }",
    )
    assert found == Evaluated(
        {"GDAL_DATA": "/opt/conda/share/gdal", "LINES": "a\nb", "PATH": "/opt/conda/bin:/bin:/extra"}, ("OLD",)
    )


def test_links_of_the_image_lead_to_its_own_files(base: Image, sandbox: Sandbox) -> None:
    # As in images with a busybox: each program is an absolute link, to what this machine need not have.
    shell = base.filesystem().read("bin/sh")
    image = Image()
    with build_layer(None) as builder:
        builder.add(TarEntry("opt/toybox/busybox", mode=0o755, size=len(shell)), shell)
        for name in ("sh", "cat"):
            builder.add(TarEntry(f"bin/{name}", EntryType.SYMLINK, link_target="/opt/toybox/busybox"))
    assert builder.layer is not None
    image.add_layer(builder.layer)
    assert run(image, sandbox, "export A=1") == Evaluated({"A": "1"})


@pytest.mark.parametrize(
    ("limit", "size", "text"),
    [
        ("_MEMORY_LIMIT", 256 << 20, "x=0123456789abcdef; while :; do x=$x$x; done"),
        ("_FILE_LIMIT", 1 << 20, "while :; do echo 0123456789abcdef0123456789abcdef; done >/etc/x"),
    ],
)
def test_a_script_that_takes_all_that_there_is_is_passed_over(
    base: Image, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, limit: str, size: int, text: str
) -> None:
    monkeypatch.setattr(activation_scripts, limit, size)
    found = run(base, sandbox, f"{text}; export A=1", "export B=2")
    assert found == Evaluated({"B": "2"}, passed_over=(f"{FOLDER}/0.sh",))


def test_scripts_see_the_home_of_the_container_s_user(base: Image, sandbox: Sandbox) -> None:
    assert run(base, sandbox, "export DATA=$HOME/data") == Evaluated({"DATA": "/home/app/data"})


def test_what_scripts_print_does_not_matter(base: Image, sandbox: Sandbox) -> None:
    assert run(base, sandbox, "echo A=1; echo ===variables===; export B=2") == Evaluated({"B": "2"})


@pytest.mark.parametrize(
    "text",
    [
        "exec >/dev/null 2>&1; export A=1",
        "trap 'exit 4' EXIT; export A=1",
        "set -eu; export A=1",
        "cat() { :; }; env() { :; }; export A=1",
        "exec 1>&-; export A=1",
    ],
)
def test_what_a_script_does_to_its_shell_hides_nothing(base: Image, sandbox: Sandbox, text: str) -> None:
    assert run(base, sandbox, text, "false; export B=${NO-2}$NONE") == Evaluated({"A": "1", "B": "2"})


@pytest.mark.parametrize("text", ["if then", "exit 3", ". /opt/conda/nosuch.sh"])
def test_a_script_that_a_shell_does_not_get_through_hides_no_other(base: Image, sandbox: Sandbox, text: str) -> None:
    found = run(base, sandbox, text, "export B=2")
    assert found == Evaluated({"B": "2"}, passed_over=(f"{FOLDER}/0.sh",))


def test_what_no_variable_of_an_image_can_hold_is_named(base: Image, sandbox: Sandbox) -> None:
    found = run(base, sandbox, "export A=$(printf '\\377') B=2")
    assert found == Evaluated({"B": "2"}, only_in_shells=("A",))


@pytest.mark.parametrize(
    "value",
    [
        "$(date +%s)",
        "$(date +%F)",
        "$(date)",
        "$(date -u +%H%M)",
        "$$",
        "$(nproc)",
        "$(cat /proc/sys/kernel/random/uuid)",
    ],
)
def test_what_depends_on_the_time_or_the_process_varies(base: Image, sandbox: Sandbox, value: str) -> None:
    found = run(base, sandbox, f'export NOW="{value}" PATH="$PATH:/run/{value}" A=1')
    assert (found.variables, sorted(found.varying)) == ({"A": "1"}, ["NOW", "PATH"])


def test_a_time_that_a_script_names_does_not_vary(base: Image, sandbox: Sandbox) -> None:
    assert run(base, sandbox, "export A=$(date -u -d @0 +%F)") == Evaluated({"A": "1970-01-01"})


def test_a_variable_that_is_set_or_taken_away_at_times_varies() -> None:
    found = in_common(Evaluated({}, unset=("A", "B")), Evaluated({"A": "2"}, unset=("B",)), {"A": "1", "B": "1"})
    assert found == Evaluated({}, unset=("B",), varying={"A": ""})


@pytest.mark.parametrize("text", ["kill -9 $$"])
def test_a_script_that_fails_is_a_problem_and_no_error(base: Image, sandbox: Sandbox, text: str) -> None:
    found = run(base, sandbox, text)
    assert found.variables == {}
    assert found.problem


def test_variables_of_an_image_load_nothing_outside_the_sandbox(base: Image, sandbox: Sandbox, tmp_path: Path) -> None:
    image = base.copy()
    image.add_layer_contents({"/opt/conda/etc/conda/activate.d/0.sh": b"export A=1"})
    variables = BEFORE | {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "trace"), "LD_PRELOAD": "/nosuch.so"}
    layers = list(reversed(image.layers))
    found = evaluate(
        layers, ["/opt/conda/etc/conda/activate.d/0.sh"], "/opt/conda", variables, home="/home/app", sandbox=sandbox
    )
    assert (found.variables, found.problem) == ({"A": "1"}, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [60_000, 200_000])
def test_an_image_with_long_variables(base: Image, sandbox: Sandbox, length: int) -> None:
    """Linux takes none of more than 128 KiB."""
    image = base.copy()
    image.add_layer_contents({"/opt/conda/etc/conda/activate.d/0.sh": b"export A=1"})
    variables = BEFORE | {"X": "x" * length, "Y": "y" * 60_000, "Z": "z" * 60_000}
    layers = list(reversed(image.layers))
    found = evaluate(
        layers, ["/opt/conda/etc/conda/activate.d/0.sh"], "/opt/conda", variables, home="/home/app", sandbox=sandbox
    )
    if length < 100_000:
        assert (found.variables, found.problem) == ({"A": "1"}, None)
    else:
        assert "Argument list too long" in str(found.problem)


def test_an_image_without_a_shell(sandbox: Sandbox) -> None:
    assert run(Image(), sandbox, "export A=1") == Evaluated({}, problem="the image has no shell")


def test_names_and_values_that_no_image_can_hold() -> None:
    assert difference({}, b"A-B=1\0C=\xff\0BASH_FUNC_f%%=() {\n}\0BASH_FUNC_module()=() {\n}\0D=ok\0") == Evaluated(
        {"D": "ok"}, only_in_shells=("C", "f()", "module()")
    )


def test_what_a_shell_cannot_name_is_not_taken_away_by_a_script() -> None:
    assert difference({"A-B": "1", "a b": "1", "C": "1"}, b"D=ok\0") == Evaluated({"D": "ok"}, unset=("C",))
