"""Link scripts run as conda runs them, and see nothing of this machine."""

from __future__ import annotations

import os
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.errors import ScriptFailed
from conda_docker.sandbox import Sandbox
from conda_docker.scripts import link_scripts
from conda_docker.scripts.link_scripts import ScriptsRun, key_of_link_scripts, run_link_scripts
from conda_docker.scripts.tree import Tree, changes
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.progress import SILENT, Progress
from python_docker.streams.compression import Compression
from python_docker.tar import EntryType, TarEntry
from tests.python_docker.in_memory import Heard

PREFIX = "/opt/conda"
TIME = 1_700_000_000


def package(name: str, version: str = "1.0", number: int = 3) -> LockedPackage:
    url = f"https://example.com/c/noarch/{name}-{version}-h_{number}.conda"
    record = {"name": name, "version": version, "build": f"h_{number}", "build_number": number, "url": url}
    return package_from_record(record)


def run(base: Image, sandbox: Sandbox, progress: Progress = SILENT, **scripts: str) -> tuple[ScriptsRun, Image]:
    image = base.copy()
    files = {f"{PREFIX}/bin/.{name}-post-link.sh": text.encode() for name, text in scripts.items()}
    image.add_layer_contents(files | {f"{PREFIX}/share/data": b"data"})
    result = run_link_scripts(
        list(reversed(image.layers)),
        [package(name) for name in scripts],
        PREFIX,
        sandbox=sandbox,
        time=TIME,
        variables={"PATH": "/bin", "A": "1"},
        compression=Compression.GZIP,
        progress=progress,
    )
    image.add_layer(result.layer)
    return result, image


def test_a_script_has_the_variables_of_conda(base: Image, sandbox: Sandbox) -> None:
    text = 'echo "$PREFIX $PKG_NAME $PKG_VERSION $PKG_BUILDNUM $A $(pwd) $PATH" > $PREFIX/told\n'
    _, image = run(base, sandbox, a=text)
    told = f"{PREFIX} a 1.0 3 1 {PREFIX}/bin {PREFIX}/bin:/bin\n"
    assert image.filesystem().read(f"{PREFIX}/told").decode() == told


def test_a_script_runs_in_the_activated_environment(base: Image, sandbox: Sandbox) -> None:
    image = base.copy()
    folder = f"{PREFIX}/etc/conda/activate.d"
    image.add_layer_contents(
        {f"{folder}/a.sh": b'export DATA="$CONDA_PREFIX/share"\necho loud', f"{folder}/b.sh": b"if then"}
    )
    text = 'echo "$DATA $CONDA_PREFIX $CONDA_DEFAULT_ENV $CONDA_SHLVL" > "$PREFIX/told"\nreturn 0\nexit 3\n'
    _, image = run(image, sandbox, a=text)
    assert image.filesystem().read(f"{PREFIX}/told").decode() == f"{PREFIX}/share {PREFIX} {PREFIX} 1\n"


def test_the_trace_of_a_script_is_no_message(base: Image, sandbox: Sandbox) -> None:
    result, _ = run(base, sandbox, a="exec >> $PREFIX/.messages.txt 2>&1\necho done")
    assert result.messages == ("a says: done",)


def test_scripts_run_in_order_and_change_one_layer(base: Image, sandbox: Sandbox) -> None:
    result, image = run(base, sandbox, b="echo b >> $PREFIX/log", a="echo a >> $PREFIX/log; rm $PREFIX/share/data")
    assert image.filesystem().read(f"{PREFIX}/log") == b"b\na\n"
    assert f"{PREFIX}/share/data" not in image.filesystem()
    assert max(entry.mtime for entry, _ in result.layer.entries()) <= TIME


def test_the_same_scripts_make_the_same_layer(base: Image, sandbox: Sandbox) -> None:
    first, second = (run(base, sandbox, a="echo x > $PREFIX/x")[0].layer for _ in range(2))
    assert first.digest == second.digest


def test_what_a_script_says_is_shown_and_not_kept(base: Image, sandbox: Sandbox) -> None:
    result, image = run(base, sandbox, a="echo 'run a-setup first' > $PREFIX/.messages.txt")
    assert result.messages == ("a says: run a-setup first",)
    assert f"{PREFIX}/.messages.txt" not in image.filesystem()
    assert not result.changed


def test_progress_names_the_package_whose_script_runs(base: Image, sandbox: Sandbox) -> None:
    heard = Heard()
    run(base, sandbox, heard, a="true", b="true")
    assert heard.ended == ["link script of a-1.0-h_3 (limit 30 min)", "link script of b-1.0-h_3 (limit 30 min)"]


def test_a_script_that_changes_nothing_makes_no_layer(base: Image, sandbox: Sandbox) -> None:
    assert not run(base, sandbox, a="true")[0].changed


def test_a_script_that_fails_is_quoted(base: Image, sandbox: Sandbox) -> None:
    with pytest.raises(ScriptFailed, match=r"(?s)post-link script of a-1\.0-h_3 failed with exit code 7.*cannot do it"):
        run(base, sandbox, a="echo cannot do it; exit 7")


def test_a_socket_is_named_and_a_pipe_kept(base: Image, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave_one(tree: Tree, time: int, *, leave_out: Callable[[str], object]) -> object:
        for name in "dcba":  # no shell makes a socket
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(f"{tree.folder}/{name}")
        return changes(tree, time, leave_out=leave_out)

    monkeypatch.setattr(link_scripts, "changes", leave_one)
    result, image = run(base, sandbox, a="mkfifo $PREFIX/pipe")
    assert result.messages == ("link scripts made what no image can hold, a socket or a device: /a, /b, /c and 1 more",)
    assert "opt/conda/pipe" in image.filesystem()


def test_what_is_shown_of_a_script_holds_no_credentials(base: Image, sandbox: Sandbox) -> None:
    text = """
        echo 'get https://me:s3cr3t@example.com/t/tk-s3cr3t/x?sig=s3cr3t' | tee $PREFIX/.messages.txt
        : --header 'Authorization: Bearer s3cr3t' --password=s3cr3t API_KEY='s3cr3t'
        exit $CODE
    """
    result, _ = run(base, sandbox, a=f"CODE=0\n{text}")
    assert result.messages == ("a says: get https://example.com/x",)
    with pytest.raises(ScriptFailed) as failed:
        run(base, sandbox, a=f"CODE=1\n{text}")
    assert "https://example.com/x" in str(failed.value)
    assert "s3cr3t" not in str(failed.value)


def test_a_script_sees_nothing_of_this_machine(
    base: Image, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    text = f"""
        test ! -e {tmp_path}/secret || echo saw the file >> $PREFIX/seen
        env | cat > $PREFIX/env
        ls /proc > $PREFIX/processes
        test ! -e /sys/class/net/eth0 || echo saw the network >> $PREFIX/seen
    """
    _, image = run(base, sandbox, a=text)
    files = image.filesystem()
    assert f"{PREFIX}/seen" not in files
    assert b"secret" not in files.read(f"{PREFIX}/env")
    assert str(os.getpid()).encode() not in files.read(f"{PREFIX}/processes").split()


def test_a_link_in_the_way_of_the_messages_leads_nowhere(base: Image, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".messages.txt").write_text("of this machine")
    text = f"cd /; cat /dev/null; mv() {{ :; }}; rm -r /opt/conda/share; ln -s {tmp_path} /opt/x; true"
    result, _ = run(base, sandbox, a=text.replace("rm -r /opt/conda/share; ", ""))
    assert result.messages == ()
    assert (tmp_path / ".messages.txt").exists()


def test_an_image_whose_tmp_is_a_link(base: Image, sandbox: Sandbox) -> None:
    image = base.copy()
    with build_layer(None) as builder:
        builder.add(TarEntry("tmp", EntryType.SYMLINK, 0o777, 0, 0, "/var/tmp"), b"")
    assert builder.layer is not None
    image.add_layer(builder.layer)
    result, _ = run(image, sandbox, a="echo x > /tmp/x; echo y > $PREFIX/y")
    changed = [entry.path for entry, _ in result.layer.entries()]
    assert [path for path in changed if "tmp" in path] == []
    assert f"{PREFIX}/y"[1:] in changed


def test_without_a_shell_the_reason_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(ScriptFailed, match="neither the base image nor the environment has one; add the package bash"):
        run(Image(), sandbox, a="true")


def test_the_key_holds_all_that_scripts_see(base: Image) -> None:
    def key(
        image: Image = base,
        name: str = "a",
        *,
        prefix: str = PREFIX,
        network: bool = False,
        time: int = 1,
        a: str = "1",
    ) -> str:
        layers = list(reversed(image.layers))
        return key_of_link_scripts(
            layers, [package(name)], prefix, time=time, variables={"A": a}, network=network, compression="gzip"
        )

    other = base.copy()
    other.add_layer_contents({"/f": b""})
    keys = {key(), key(other), key(name="b"), key(prefix="/env"), key(network=True), key(time=2), key(a="2")}
    assert len(keys) == 7
    assert key() == key()


def test_a_name_that_deletes_other_files_is_refused(base: Image, sandbox: Sandbox) -> None:
    reason = r"what link scripts made cannot go into an image: 'opt/conda/\.wh\.data': .* delete other files"
    with pytest.raises(ScriptFailed, match=reason):
        run(base, sandbox, a="echo x > $PREFIX/.wh.data")


def test_a_script_that_prints_without_end_costs_no_memory(base: Image, sandbox: Sandbox) -> None:
    text = "set +x; x=0123456789abcdef; x=$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x; i=0\n"
    text += "while [ $i -lt 20000 ]; do echo $x; i=$((i+1)); done; exit 9"
    tracemalloc.start()
    try:
        with pytest.raises(ScriptFailed, match="exit code 9"):
            run(base, sandbox, a=text)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
