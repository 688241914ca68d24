"""What programs of packages might try: in a sandbox of each kind, none of it succeeds."""

from __future__ import annotations

import ast
import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.sandbox import Sandbox, View
from conda_docker.sandbox.find import KINDS
from python_docker.programs import Program, run_program
from tests.conda_docker.sandboxes import sandbox_of
from tests.processes import ended_with_us, wait_for

HERE = {path: Path(path) for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64") if Path(path).is_dir()}
PYTHON = Path(sys.base_prefix)
KEY_CALLS = (248, 249, 250) if platform.machine() == "x86_64" else (217, 218, 219)
"""add_key, request_key, keyctl"""
VARIABLES = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
VIEW = View(folders=HERE, devices=True, root=True, variables=VARIABLES)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return sandbox_of(request.param)


def run(sandbox: Sandbox, script: str, view: View = VIEW) -> tuple[int, str]:
    """Run a script for bash with this machine's programs; give its exit code and what it printed."""
    ended = run_program(sandbox.command(["/bin/bash", "-c", script], view), environ={}, timeout=60)
    return ended.returncode, (ended.stdout + ended.stderr).decode(errors="replace")


def run_python(sandbox: Sandbox, program: str, view: View = VIEW) -> tuple[int, str]:
    """Run a program for this Python."""
    view = replace(view, folders={**HERE, str(PYTHON): PYTHON})
    command = [f"{PYTHON}/bin/python{sys.version_info[0]}.{sys.version_info[1]}", "-I", "-c", program]
    ended = run_program(sandbox.command(command, view), environ={}, timeout=60)
    return ended.returncode, (ended.stdout + ended.stderr).decode(errors="replace")


class TestFiles:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        path = tmp_path / "secret"
        path.write_text("s3cr3t")
        return path

    def test_a_program_sees_the_folders_it_is_given(self, sandbox: Sandbox) -> None:
        _, printed = run(sandbox, "ls -A /", replace(VIEW, devices=False))
        assert set(printed.split()) == {path.strip("/") for path in HERE}

    def test_nothing_else_is_there(self, sandbox: Sandbox, secret: Path) -> None:
        code, printed = run(sandbox, f"cat {secret} /etc/passwd; ls {Path.home()} /home /tmp /sys /etc /oldroot")
        assert code != 0
        assert all("No such file" in line for line in printed.splitlines()), printed

    def test_no_way_leads_out(self, sandbox: Sandbox, secret: Path) -> None:
        ways = ("", "/..", "/../../../..", "/proc/self/root", "/proc/self/cwd/..", "/proc/1/root", "/proc/1/cwd/..")
        tried = " ".join(f"{way}{secret}" for way in (*ways, "/proc/[0-9]*/root", "/proc/[0-9]*/cwd", "/dev/fd/[0-9]*"))
        _, printed = run(sandbox, f"cd /usr; cat {tried}; cat ../../../..{secret}")
        assert "s3cr3t" not in printed

    def test_no_descriptor_is_left_over(self, sandbox: Sandbox, secret: Path) -> None:
        with secret.open() as file:
            os.set_inheritable(file.fileno(), True)
            code, printed = run_python(sandbox, "import os; print(os.listdir('/proc/self/fd'))")
        assert (code, printed) == (0, "['0', '1', '2', '3']\n"), "the last is the folder that is listed"

    def test_what_is_open_leads_nowhere(self, sandbox: Sandbox) -> None:
        program = """
import os
for number in range(3):
    try:
        print(os.listdir(f"/proc/self/fd/{number}/.."))
    except OSError:
        pass
"""
        assert run_python(sandbox, program) == (0, "")

    def test_nothing_can_be_written(self, sandbox: Sandbox) -> None:
        for path in ("/x", "/usr/x", "/bin/x", "/proc/x", "/proc/self/oom_score_adj"):
            code, printed = run(sandbox, f"echo 1 > {path}")
            assert (code, "x" not in os.listdir("/usr")) == (1, True)
            assert "Read-only" in printed or "No such file" in printed, printed

    def test_what_is_said_to_be_writable_can_be_written(self, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "a b").mkdir()
        view = replace(VIEW, writable={"/shared": tmp_path}, folders={**HERE, "/shared/a b": tmp_path / "a b"})
        assert run(sandbox, "echo made > /shared/file", view) == (0, "")
        assert (tmp_path / "file").read_text() == "made\n"
        assert (tmp_path / "file").stat().st_uid == os.geteuid()

    def test_what_can_be_read_in_a_writable_folder_stays_as_it_is(self, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        view = replace(VIEW, writable={"/tree": tmp_path}, folders={**HERE, "/own": tmp_path / "in"})
        code, printed = run(sandbox, "echo x > /own/file", view)
        assert code == 1
        assert "Read-only" in printed

    def test_temporary_folders_are_empty_and_gone_afterwards(self, sandbox: Sandbox) -> None:
        view = replace(VIEW, temporary=("/tmp", "/run"))
        assert run(sandbox, "ls -A /tmp /run; echo x > /tmp/rows-mark; cat /tmp/rows-mark", view) == (
            0,
            "/run:\n\n/tmp:\nx\n",
        )
        assert not Path("/tmp/rows-mark").exists()

    @pytest.mark.parametrize("path", ["/usr", "/", "/proc", "/bin"])
    def test_nothing_is_mounted_anew(self, sandbox: Sandbox, path: str) -> None:
        for command in (
            f"mount -o remount,rw {path}",
            f"mount -o remount,bind,rw {path}",
            f"mount -t tmpfs none {path}",
            f"mount --bind /usr {path}",
            f"umount {path}",
            f"umount -l {path}",
            f"chroot {path} /bin/true",
        ):
            code, printed = run(sandbox, command)
            assert code != 0, printed

    def test_no_device_is_made(self, sandbox: Sandbox, tmp_path: Path) -> None:
        view = replace(VIEW, writable={"/shared": tmp_path})
        code, printed = run(sandbox, "mknod /shared/disk b 8 0 || mknod /dev/kmem c 1 2", view)
        assert code != 0
        assert "not permitted" in printed

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
    def test_a_device_in_a_folder_is_none(self, sandbox: Sandbox, tmp_path: Path) -> None:
        os.mknod(tmp_path / "zero", 0o20666, os.makedev(1, 5))
        code, printed = run(sandbox, "head -c 1 /shared/zero", replace(VIEW, writable={"/shared": tmp_path}))
        assert code != 0
        assert "Permission denied" in printed

    def test_the_devices_that_programs_use_are_there(self, sandbox: Sandbox) -> None:
        script = "head -c 2 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x > /dev/null; echo x > /dev/full"
        code, printed = run(sandbox, script)
        assert code == 1
        assert printed.startswith("2\n3\n")
        assert "No space left" in printed


@pytest.fixture
def session_key() -> int:
    """A key in this session's keyring."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("only for machines whose numbers of system calls are here")
    libc = ctypes.CDLL(None, use_errno=True)
    key = libc.syscall(KEY_CALLS[0], b"user", b"conda-docker-test", b"s3cr3t", ctypes.c_size_t(6), ctypes.c_int(-3))
    if key < 0:
        pytest.skip(f"there are no keyrings here: {os.strerror(ctypes.get_errno())}")
    return int(key)


class TestPowers:
    def test_it_has_no_capability_and_gets_none(self, sandbox: Sandbox) -> None:
        _, printed = run(sandbox, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status")
        names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        assert printed.split() == [word for name in names for word in (f"{name}:", "0" * 16)] + ["NoNewPrivs:", "1"]

    @pytest.mark.parametrize("root", [True, False])
    def test_who_it_is(self, sandbox: Sandbox, root: bool) -> None:
        uid, gid = (0, 0) if root else (os.getuid(), os.getgid())
        assert run(sandbox, "echo $(id -u) $(id -g)", replace(VIEW, root=root)) == (0, f"{uid} {gid}\n")

    def test_it_becomes_nobody_else(self, sandbox: Sandbox) -> None:
        program = """
import os
for become in (os.setuid, os.setgid, os.seteuid):
    try:
        become(1)
        print(become)
    except OSError:
        pass
"""
        assert run_python(sandbox, program) == (0, "")

    def test_a_set_user_id_bit_means_nothing(self, sandbox: Sandbox, tmp_path: Path) -> None:
        script = "cp /usr/bin/id /shared/id; chmod 6755 /shared/id; grep -E ' /(shared|usr) ' /proc/mounts"
        code, printed = run(sandbox, script, replace(VIEW, writable={"/shared": tmp_path}))
        assert code == 0
        assert [("nosuid" in line, "nodev" in line) for line in printed.splitlines()] == [(True, True)] * 2

    def test_it_makes_no_namespaces_of_its_own(self, sandbox: Sandbox) -> None:
        for option in ("--user", "--user --map-root-user --mount", "--mount", "--pid --fork", "--net"):
            code, printed = run(sandbox, f"unshare {option} true")
            nested = sandbox.name == "bubblewrap before 0.8" and option == "--user"
            assert (code != 0) is not nested, printed

    def test_in_namespaces_of_its_own_nothing_can_be_written_either(self, sandbox: Sandbox) -> None:
        """Where it can make some, it has all capabilities in them."""
        script = """
            mount -o remount,rw,bind /usr; mount -o remount,rw /usr; umount /usr; umount -l /; echo x > /usr/x
            mount -o remount,rw,bind /proc; umount /proc/irq /proc/bus /proc; : >> /proc/sys/kernel/core_pattern
            mount -t proc proc /tmp; : >> /tmp/sys/kernel/core_pattern; mount -t sysfs sys /tmp; ls -A /tmp
        """
        view = replace(VIEW, temporary=("/tmp",))
        code, printed = run(sandbox, f"unshare --user --mount --pid --fork bash -c 'exec 2>&1; {script}'", view)
        nested = sandbox.name == "bubblewrap before 0.8"
        assert nested is (code == 0), printed
        assert all(" " in line for line in printed.splitlines()), f"errors alone: {printed}"
        assert nested is (printed.count("core_pattern: ") == 2)
        assert not Path("/usr/x").exists()

    @pytest.mark.parametrize(
        "path",
        ["sys/kernel/core_pattern", "sys/vm/overcommit_memory", "sysrq-trigger", "self/uid_map", "irq/x", "bus/x"],
    )
    def test_nothing_of_the_kernel_can_be_changed(self, sandbox: Sandbox, path: str) -> None:
        code, printed = run(sandbox, f": >> /proc/{path}")
        assert code != 0
        assert "Read-only" in printed or "No such file" in printed or "denied" in printed

    def test_keys_of_the_session_are_not_reached(self, sandbox: Sandbox, session_key: int) -> None:
        """Tickets and passwords are in keyrings, which no namespace hides."""
        program = f"""
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
read, search = ctypes.c_int(11), ctypes.c_int(10)
for call in (
    ({KEY_CALLS[0]}, b"user", b"x", b"y", ctypes.c_size_t(1), ctypes.c_int(-3)),
    ({KEY_CALLS[1]}, b"user", b"conda-docker-test", None, ctypes.c_int(0)),
    ({KEY_CALLS[2]}, read, ctypes.c_int({session_key}), ctypes.create_string_buffer(9), ctypes.c_size_t(9)),
    ({KEY_CALLS[2]}, search, ctypes.c_int(-3), b"user", b"conda-docker-test", ctypes.c_int(0)),
):
    print(libc.syscall(*call), errno.errorcode[ctypes.get_errno()])
"""
        assert run_python(sandbox, program) == (0, "-1 EPERM\n" * 4)

    def test_it_has_no_terminal(self, sandbox: Sandbox) -> None:
        program = "import os; print(os.getsid(0) > 0); open('/dev/tty')"
        code, printed = run_python(sandbox, program)
        assert code == 1
        assert printed.startswith("True\n"), "the session's leader is in the sandbox"
        assert "No such device" in printed or "No such file" in printed


class TestVariables:
    def test_only_the_variables_that_are_given_are_there(
        self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
        view = replace(VIEW, variables={"A": "1\n2", "PATH": "/bin"})
        program = "import os; print(sorted(os.environ.items()))"
        expected = {"A": "1\n2", "PATH": "/bin"}
        code, printed = run_python(sandbox, program, view)
        known = dict(ast.literal_eval(printed))
        # Bubblewrap sets PWD, and the Python that runs here LC_CTYPE.
        assert (code, {name: known[name] for name in known if name not in ("PWD", "LC_CTYPE")}) == (0, expected)

    def test_variables_load_no_code_outside(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """The dynamic loader of every program that is started with this leaves a file."""
        view = replace(VIEW, variables={**VARIABLES, "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "trace")})
        run(sandbox, "true", view)
        assert list(tmp_path.iterdir()) == []

    def test_the_host_name_is_not_this_machines(self, sandbox: Sandbox) -> None:
        assert run(sandbox, "uname -n") == (0, "localhost\n")


class TestNetwork:
    def test_there_is_none(self, sandbox: Sandbox) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            script = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"
            assert run(sandbox, script)[0] != 0
            assert run(sandbox, script, replace(VIEW, network=True)) == (0, "")

    def test_sockets_of_this_machine_without_a_file_are_not_reached(self, sandbox: Sandbox) -> None:
        name = f"\0conda-docker-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
            server.listen()
            program = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
            code, printed = run_python(sandbox, program)
        assert code == 1
        assert "Connection refused" in printed

    def test_there_are_no_interfaces_but_its_own(self, sandbox: Sandbox) -> None:
        program = """
import socket
print(socket.if_nameindex()[:1])
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
"""
        assert run_python(sandbox, program) == (0, "[(1, 'lo')]\n")

    def test_shared_memory_of_this_machine_is_not_there(self, sandbox: Sandbox) -> None:
        code, printed = run(sandbox, "ipcs -m -q -s | grep -c '^0x'; ls -A /dev/shm")
        assert (code, printed) == (0, "0\n")


class TestProcesses:
    def test_others_cannot_be_seen(self, sandbox: Sandbox) -> None:
        _, printed = run(sandbox, "echo /proc/[0-9]*")
        assert len(printed.split()) <= 3
        assert str(os.getpid()) not in printed

    def test_others_cannot_be_signalled(self, sandbox: Sandbox) -> None:
        with Program(["/bin/sleep", "60"], environ={}) as other:
            code, _ = run(sandbox, f"kill -9 {other.pid} {os.getpid()}; kill -9 -1")
            assert code != 0
            assert other.poll() is None
            other.kill()

    def test_a_program_that_ends_by_a_signal_says_so(self, sandbox: Sandbox) -> None:
        for name in ("KILL", "TERM", "ABRT", "PROF", "SEGV"):
            ended = run_program(sandbox.command(["/bin/bash", "-c", f"kill -{name} $$"], VIEW), environ={}, timeout=60)
            assert ended.returncode == 128 + signal.Signals[f"SIG{name}"]

    def test_the_end_of_a_pipe_ends_a_program(self, sandbox: Sandbox) -> None:
        code, printed = run(sandbox, "set -o pipefail; yes | head -n 1")
        assert (code, printed) == (141, "y\n")

    def test_what_goes_on_in_the_background_ends_with_the_program(self, sandbox: Sandbox) -> None:
        # Else its output would be held open for longer than this may take.
        assert run(sandbox, "setsid sleep 3000 & (setsid sleep 3000 &) ; exit 3")[0] == 3

    def test_it_does_not_outlive_its_time(self, sandbox: Sandbox, tmp_path: Path) -> None:
        view = replace(VIEW, writable={"/shared": tmp_path})
        script = "trap '' TERM INT HUP; (setsid bash -c 'while :; do echo x >> /shared/alive; done') & wait"
        for seconds in (1, 10, 60):  # until it has the time to begin
            with pytest.raises(subprocess.TimeoutExpired):
                run_program(sandbox.command(["/bin/bash", "-c", script], view), environ={}, timeout=seconds)
            if (tmp_path / "alive").exists():
                break
        assert_still(tmp_path / "alive")

    def test_it_does_not_outlive_a_killed_builder(self, sandbox: Sandbox, tmp_path: Path) -> None:
        view = replace(VIEW, writable={"/shared": tmp_path})
        script = "trap '' TERM INT HUP; (setsid bash -c 'while :; do echo x >> /shared/alive; done') & wait"
        command = sandbox.command(["/bin/bash", "-c", script], view)
        (tmp_path / "empty").mkdir()
        builder = f"import subprocess; subprocess.run({command!r}, env={{}}, cwd={str(tmp_path / 'empty')!r})"
        with ended_with_us(subprocess.Popen([sys.executable, "-c", builder])) as process:
            wait_for((tmp_path / "alive").exists, process)
        assert_still(tmp_path / "alive")


def assert_still(path: Path) -> None:
    """Fail unless a file that a program appends to all the time soon stops growing."""

    def stands_still() -> bool:
        before = path.stat().st_size
        time.sleep(0.1)
        return path.stat().st_size == before

    wait_for(stands_still)
