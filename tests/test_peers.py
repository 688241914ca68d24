"""The peers themselves: that they run, that they agree with each other, and that nothing of them stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images import GREETING, digest, hello_config, hello_files, layer_tar, write_docker_archive, write_oci_layout
from tests.peers import (
    DockerEngine,
    PeerError,
    Program,
    Registry,
    availability,
    start_engine,
    unpack_image,
)
from tests.peers import start_registry as start_registry_in
from tests.processes import LONG, ended_with_us, wait_for

ROOT = Path(__file__).parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Return an OCI layout made by hand with the image `layout:latest`."""
    write_oci_layout(tmp_path / "layout", [layer_tar(hello_files())], runtime=hello_config())
    return tmp_path / "layout"


def write_root(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)
    return root


class TestProgram:
    def test_failure_is_loud(self, tmp_path: Path) -> None:
        with pytest.raises(PeerError, match=r"ended with 3\nwhat went wrong"):
            Program(Path("/bin/sh"))("-c", "echo what went wrong >&2; exit 3")

    def test_failure_is_returned_on_request(self) -> None:
        assert Program(Path("/bin/sh"))("-c", "exit 3", check=False).returncode == 3

    def test_endless_command_is_ended(self) -> None:
        with pytest.raises(PeerError, match="did not end within"):
            Program(Path("/bin/sleep"))("60", timeout=0.1)

    def test_bytes_survive(self) -> None:
        printed = Program(Path("/usr/bin/printf"))(r"\377").stdout
        assert printed.encode(errors="surrogateescape") == b"\xff"


class TestAvailability:
    def test_missing_program_is_named_with_its_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(availability.PEERS, "nobody", availability.Peer("no-such-program", "its-package", ()))
        monkeypatch.delenv(availability.REQUIRE_PEERS, raising=False)
        with pytest.raises(pytest.skip.Exception, match=r"no-such-program .*its-package"):
            availability.require("nobody")

    def test_missing_program_fails_when_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(availability.PEERS, "nobody2", availability.Peer("no-such-program", "its-package", ()))
        monkeypatch.setenv(availability.REQUIRE_PEERS, "1")
        with pytest.raises(pytest.fail.Exception, match=r"no-such-program .*its-package"):
            availability.require("nobody2")

    def test_this_interpreter_is_linked_to_shared_libraries(self) -> None:
        assert not availability.is_static(Path(sys.executable).resolve())

    def test_script_is_not_static(self, tmp_path: Path) -> None:
        (tmp_path / "script").write_text("#!/bin/sh\n" + "#" * 100)
        assert not availability.is_static(tmp_path / "script")

    def test_setup_installs_each_peer(self) -> None:
        script = (ROOT / "scripts" / "install-peers").read_text()
        listed = {tuple(line.split(":")) for line in script.partition("PEERS='")[2].partition("'")[0].split()}
        assert listed - {("docker", "docker-cli")} == {(p.program, p.package) for p in availability.PEERS.values()}

    def test_fixture_marks_its_test(self, request: pytest.FixtureRequest, registry: Registry) -> None:
        assert [marker.args for marker in request.node.iter_markers("peer")] == [("docker-registry",)]


class TestRegistry:
    def test_skopeo_copies_to_it_and_back(
        self, skopeo: Program, registry: Registry, repository: str, layout: Path, tmp_path: Path
    ) -> None:
        there = f"docker://{registry.host}/{repository}:latest"
        skopeo("copy", f"oci:{layout}:latest", there)
        skopeo("copy", there, f"oci:{tmp_path}/back:latest")
        blobs = [{path.name for path in (folder / "blobs/sha256").iterdir()} for folder in (layout, tmp_path / "back")]
        assert blobs[0] == blobs[1]
        assert len(blobs[0]) == 3

    def test_log_tells_each_request(self, skopeo: Program, registry: Registry, repository: str, layout: Path) -> None:
        before = len(registry.requests())
        skopeo("copy", f"oci:{layout}:latest", f"docker://{registry.host}/{repository}:tag")
        requests = registry.requests(since=before)
        put = [request for request in requests if request.path == f"/v2/{repository}/manifests/tag"]
        assert [(request.method, request.status) for request in put] == [("PUT", 201)]
        assert put[0].agent.startswith("skopeo/")
        assert registry.requests(since=before + len(requests)) == []

    def test_log_counts_bytes(self, skopeo: Program, registry: Registry, repository: str, layout: Path) -> None:
        there = f"docker://{registry.host}/{repository}:tag"
        skopeo("copy", f"oci:{layout}:latest", there)
        raw = skopeo("inspect", "--raw", there).stdout
        last = registry.requests()[-1]
        assert (last.method, last.status, last.size) == ("GET", 200, len(raw))

    @pytest.mark.peer("htpasswd")
    def test_htpasswd(self, skopeo: Program, start_registry: Callable[..., Registry], layout: Path) -> None:
        registry = start_registry(htpasswd={"alice": "wonder land", "bob": "builder"})
        there = f"docker://{registry.host}/private:latest"
        assert "authentication required" in skopeo("copy", f"oci:{layout}:latest", there, check=False).stderr
        wrong = skopeo("copy", "--dest-creds", "alice:builder", f"oci:{layout}:latest", there, check=False)
        assert wrong.returncode != 0
        skopeo("copy", "--dest-creds", "alice:wonder land", f"oci:{layout}:latest", there)
        assert skopeo("inspect", "--creds", "bob:builder", "--format", "{{.Os}}", there).stdout == "linux\n"
        assert {request.status for request in registry.requests()} >= {200, 201, 401}

    def test_settings_are_overlaid(
        self, skopeo: Program, start_registry: Callable[..., Registry], layout: Path
    ) -> None:
        registry = start_registry(config={"storage": {"maintenance": {"readonly": {"enabled": True}}}})
        ended = skopeo("copy", f"oci:{layout}:latest", f"docker://{registry.host}/a:b", check=False)
        assert ended.returncode != 0
        assert ("POST", "/v2/a/blobs/uploads/", 405) in [(r.method, r.path, r.status) for r in registry.requests()]

    def test_wrong_settings_are_loud(self, start_registry: Callable[..., Registry]) -> None:
        with pytest.raises(RuntimeError, match="exactly one storage type"):
            start_registry(config={"storage": {"abacus": {}}})


class TestEngine:
    def test_runs_what_the_image_starts(
        self, docker_engine: DockerEngine, runnable_files: dict[str, bytes], tmp_path: Path
    ) -> None:
        archive = tmp_path / "hello.tar"
        image_id = write_docker_archive(archive, [layer_tar(runnable_files)], tags=["hello:1"], runtime=hello_config())
        assert docker_engine.load(archive) == "Loaded image: hello:1\n"
        assert docker_engine.run("hello:1").stdout == f"{GREETING}\n"
        assert docker_engine.docker("image", "inspect", "--format", "{{.Id}}", "hello:1").stdout.strip() == image_id

    def test_runs_a_given_command(
        self, docker_engine: DockerEngine, runnable_files: dict[str, bytes], tmp_path: Path
    ) -> None:
        write_docker_archive(tmp_path / "i.tar", [layer_tar(runnable_files)], tags=["hello:2"], runtime=hello_config())
        docker_engine.load(tmp_path / "i.tar")
        said = docker_engine.run("hello:2", "sh", "-c", "id -u; ls /sys/class/net; echo $A", options=("--env", "A=b"))
        assert said.stdout == "0\nlo\nb\n"
        assert docker_engine.run("hello:2", "false", check=False).returncode == 1

    def test_image_survives_save_and_skopeo(
        self, docker_engine: DockerEngine, skopeo: Program, layout: Path, tmp_path: Path
    ) -> None:
        skopeo("copy", f"oci:{layout}:latest", f"docker-archive:{tmp_path}/a.tar:hello:3")
        docker_engine.load(tmp_path / "a.tar")
        saved = docker_engine.save(tmp_path / "saved.tar", "hello:3")
        sent_layers, back_layers = (
            skopeo("inspect", "--config", "--format", "{{.RootFS.DiffIDs}}", name).stdout
            for name in (f"oci:{layout}:latest", f"docker-archive:{saved}:hello:3")
        )
        assert sent_layers == back_layers == f"[{digest(layer_tar(hello_files()))}]\n"

    def test_talks_to_the_registry(
        self, docker_engine: DockerEngine, skopeo: Program, registry: Registry, repository: str, layout: Path
    ) -> None:
        name = f"{registry.host}/{repository}:latest"
        skopeo("copy", f"oci:{layout}:latest", f"docker://{name}")
        docker_engine.docker("pull", name)
        docker_engine.docker("tag", name, f"{registry.host}/{repository}:again")
        docker_engine.docker("push", f"{registry.host}/{repository}:again")
        tags = json.loads(skopeo("list-tags", f"docker://{registry.host}/{repository}").stdout)["Tags"]
        assert sorted(tags) == ["again", "latest"]


class TestRootFileSystem:
    @pytest.mark.peer("busybox")
    def test_bwrap_runs_what_umoci_unpacked(self, bwrap: Run, umoci: Program, layout: Path, tmp_path: Path) -> None:
        root = unpack_image(umoci, layout, "latest", tmp_path / "bundle")
        assert bwrap(root, "/bin/cat", "/etc/greeting").stdout == f"{GREETING}\n"

    @pytest.mark.parametrize("runtime", ["bwrap", "runc"])
    def test_command_runs(
        self, runtime: str, request: pytest.FixtureRequest, runnable_files: dict[str, bytes], tmp_path: Path
    ) -> None:
        root = write_root(tmp_path / "root", runnable_files)
        run = request.getfixturevalue(runtime)
        said = run(root, "/bin/sh", "-c", "echo $A; pwd; id -u; cat greeting", env={"A": "b c"}, cwd="/etc")
        assert said.stdout == f"b c\n/etc\n0\n{GREETING}\n"
        assert run(root, "/bin/false", check=False).returncode == 1
        assert sorted(path.name for path in root.iterdir()) == ["bin", "etc"]

    @pytest.mark.parametrize("runtime", ["bwrap", "runc"])
    def test_endless_command_is_ended(
        self, runtime: str, request: pytest.FixtureRequest, runnable_files: dict[str, bytes], tmp_path: Path
    ) -> None:
        root = write_root(tmp_path / "root", runnable_files)
        with pytest.raises(PeerError, match="did not end within"):
            request.getfixturevalue(runtime)(root, "/bin/sleep", f"3600.{os.getpid()}", timeout=1)
        wait_until_gone(f"3600.{os.getpid()}")


def traces(text: str) -> list[str]:
    """Return the processes, mounts and control groups of this machine that have some text in their command or path."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command and process.name != str(os.getpid()):
            found.append(f"process {process.name}: {command}")
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {line}" for line in mounts if text in line]
    groups = [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if text in folder]
    return found + [f"control group {folder}" for folder in groups]


def wait_until_gone(text: str) -> None:
    deadline = time.monotonic() + LONG
    while left := traces(text):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.peer("dockerd", "docker-registry", "busybox")
class TestNothingStays:
    def test_after_stop(self, runnable_files: dict[str, bytes], tmp_path: Path) -> None:
        registry = start_registry_in(tmp_path / "stopped" / "registry")
        engine = start_engine(tmp_path / "stopped" / "engine")
        try:
            write_docker_archive(tmp_path / "a.tar", [layer_tar(runnable_files)], runtime=hello_config())
            engine.load(tmp_path / "a.tar")
            engine.docker("run", "--detach", "--network", "none", "hello", "/bin/sleep", f"3601.{os.getpid()}")
            # Docker says that it runs before its program has begun.
            wait_for(lambda: bool(traces(f"3601.{os.getpid()}")))
            assert len(traces(f"{tmp_path}/stopped/")) > 1
        finally:
            registry.stop()
            engine.stop()
        assert traces(f"3601.{os.getpid()}") == []
        assert traces(f"{tmp_path}/stopped/") == []
        assert traces(f"conda-docker-tests-{os.getpid()}-{engine.socket.parent.name.rpartition('-')[2]}") == []
        assert not engine.socket.parent.exists()
        assert list((tmp_path / "stopped" / "engine").glob("data")) == []

    def test_after_the_tests_were_killed(self, tmp_path: Path) -> None:
        script = (
            "import sys, time; from pathlib import Path; from tests.peers import start_engine, start_registry\n"
            "root = Path(sys.argv[1])\n"
            "servers = start_registry(root / 'registry'), start_engine(root / 'engine')\n"
            "print(servers[1].socket.parent, flush=True); time.sleep(600)"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "killed")]
        with ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)) as tests:
            assert tests.stdout is not None
            socket_folder = Path(tests.stdout.readline().strip())
            assert (socket_folder / "docker.sock").is_socket()
            assert len(traces(f"{tmp_path}/killed/")) > 2
        wait_until_gone(f"{tmp_path}/killed/")
        (socket_folder / "docker.sock").unlink()
        socket_folder.rmdir()
