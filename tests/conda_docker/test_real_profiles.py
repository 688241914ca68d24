"""Images with profiles, under the programs that these profiles are for."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from conda_docker.build_options import BuildOptions, Layering
from conda_docker.image.assemble import build_image
from conda_docker.request import Request
from conda_docker.resolution.resolve import Resolved, resolve
from demo.base import make_base
from demo.channel import IndexUnreachable, RealChannel
from demo.wheels import fetch_wheels
from python_docker.transports import write_image
from tests.peers import DockerEngine, Program, install_npm
from tests.peers.availability import search_path

DEVCONTAINERS = "@devcontainers/cli@0.89.0"
# The newest that asks the engine to build; later ones need the plugin buildx.
REPO2DOCKER = ("jupyter-repo2docker==2024.7.0", "setuptools<80")

# A hub that knows one user, and the server that it starts: with the image's own command and user, as spawners do.
HUB = """
import json, os, subprocess, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

class Hub(BaseHTTPRequestHandler):
    def answer(self):
        self.send_response(200)
        self.send_header("X-JupyterHub-Version", __import__("jupyterhub").__version__)
        self.end_headers()
        self.wfile.write(json.dumps({"version": __import__("jupyterhub").__version__}).encode())
    do_GET = do_POST = answer
    def log_message(self, *args): pass

hub = HTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=hub.serve_forever, daemon=True).start()
variables = {
    "JUPYTERHUB_API_TOKEN": "0" * 32, "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
    "JUPYTERHUB_USER": "someone", "JUPYTERHUB_SERVICE_PREFIX": "/user/someone/", "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-someone", "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:8888/user/someone/",
}
server = subprocess.Popen(json.loads(sys.argv[1]), env={**os.environ, **variables})
for _ in range(600):
    if server.poll() is not None:
        sys.exit(f"the server ended with {server.returncode}")
    try:
        with urllib.request.urlopen("http://127.0.0.1:8888/user/someone/api") as answer:
            print(json.load(answer)["version"], os.getuid(), os.getcwd(), os.access(".", os.W_OK))
            break
    except OSError:
        time.sleep(0.1)
server.terminate()
"""
# A server as BinderHub's chart (helm-chart/binderhub/values.yaml) has it started, without JupyterHub's login.
BINDER = """
import json, subprocess, sys, time, urllib.request
address = "/user/someone/"
given = ["--ip=0.0.0.0", "--port=8888"]
for name in ("NotebookApp", "ServerApp"):
    given += [f"--{name}.base_url={address}", f"--{name}.token=abc", f"--{name}.trust_xheaders=True"]
server = subprocess.Popen(["jupyter-lab", *given])
for _ in range(600):
    if server.poll() is not None:
        sys.exit(f"the server ended with {server.returncode}")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:8888{address}api/status?token=abc") as answer:
            print(json.load(answer)["kernels"])
            break
    except OSError:
        time.sleep(0.1)
with urllib.request.urlopen(f"http://127.0.0.1:8888{address}lab?token=abc") as answer:
    print("JupyterLab" in answer.read().decode())
server.terminate()
"""
# A scheduler as the image starts it, a worker, and work for it.
CLUSTER = """
import json, subprocess, sys
from distributed import Client
scheduler = subprocess.Popen([*json.loads(sys.argv[1]), "--host", "127.0.0.1"])
worker = subprocess.Popen(["dask", "worker", "tcp://127.0.0.1:8786", "--no-nanny", "--nthreads", "1"])
try:
    with Client("tcp://127.0.0.1:8786", timeout=60) as client:
        print(sum(client.gather(client.map(lambda number: number ** 2, range(5)))))
finally:
    worker.terminate()
    scheduler.terminate()
"""

Build = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.fixture(scope="module")
def resolved(real_channel: RealChannel, folder: Path) -> Resolved:
    """Return an environment with what the profiles' commands need, from the Python index."""
    try:
        fetch_wheels(["zict"], folder / "probe")
    except IndexUnreachable as error:
        pytest.skip(str(error))
    file = folder / "environment.yml"
    wheels = "".join(f"    - {name}\n" for name in ("jupyterhub", "jupyterlab", "distributed"))
    file.write_text(f"channels: [{real_channel.url}, nodefaults]\ndependencies:\n  - python\n  - pip:\n{wheels}")
    options = BuildOptions(cache_dir=folder / "cache")
    [found] = resolve(Request(files=(file,), base=f"oci:{make_base()}", options=options))
    return found


@pytest.fixture(scope="module")
def build(resolved: Resolved, folder: Path, docker_engine: DockerEngine) -> Build:
    """Return what builds and loads an image with a profile, under the profile's name, and gives its command."""

    def build(profile: str) -> list[str]:
        # One layer of packages: an engine that copies files from layer to layer takes a minute for sixty.
        options = BuildOptions(profile=profile, layering=Layering.SINGLE, cache_dir=folder / "cache")
        image = build_image(resolved.environment, resolved.base, options).image
        image.name, image.tag = profile, "v1"
        write_image(image, str(folder / f"{profile}.tar"))
        docker_engine.load(folder / f"{profile}.tar")
        return list(image.config["Cmd"])

    return build


def test_jupyterhub_can_start_a_server(build: Build, docker_engine: DockerEngine) -> None:
    command = json.dumps(build("jupyterhub"))
    said = docker_engine.run("jupyterhub:v1", "python", "-c", HUB, command, timeout=180).stdout
    version, *others = said.split()
    assert int(version.partition(".")[0]) >= 2
    assert others == ["1000", "/home/jovyan", "True"]


def test_dask_computes_in_a_cluster_of_the_image(build: Build, docker_engine: DockerEngine) -> None:
    command = json.dumps(build("dask"))
    options = ("--read-only", "--tmpfs", "/tmp")
    said = docker_engine.run("dask:v1", "python", "-c", CLUSTER, command, options=options, timeout=180).stdout
    assert said == "30\n"


def test_pods_may_be_restricted(build: Build, docker_engine: DockerEngine) -> None:
    build("kubernetes")
    options = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    program = "import dask, os, sys; print(os.getuid(), os.environ['HOME'], sys.dont_write_bytecode)"
    said = docker_engine.run("kubernetes:v1", "python", "-c", program, options=options).stdout
    assert said == "1000 /home/app True\n"


def test_binder_finds_what_repo2docker_makes(build: Build, docker_engine: DockerEngine) -> None:
    build("binder")
    program = """
import os, pwd, sys
user = pwd.getpwuid(os.getuid())
assert (user.pw_name, str(user.pw_uid)) == (os.environ["NB_USER"], os.environ["NB_UID"])
assert user.pw_dir == os.environ["HOME"]
assert os.getcwd() == os.environ["REPO_DIR"] and os.access(".", os.W_OK)
assert sys.prefix == os.environ["NB_PYTHON_PREFIX"] == "/srv/conda/envs/notebook"
print(sys.executable)
"""
    assert docker_engine.run("binder:v1", "python", "-c", program).stdout == "/srv/conda/envs/notebook/bin/python\n"


def test_binderhub_can_start_a_server(build: Build, docker_engine: DockerEngine) -> None:
    build("binder")
    assert docker_engine.run("binder:v1", "python", "-c", BINDER, timeout=180).stdout.split() == ["0", "True"]


@pytest.fixture
def repo2docker(docker_engine: DockerEngine, tmp_path: Path) -> Program:
    """Return repo2docker, from the Python index."""
    uv, environment = find_uv_bin(), tmp_path / "repo2docker"
    subprocess.run([uv, "venv", "--quiet", str(environment)], check=True, timeout=120)
    install = [uv, "pip", "install", "--quiet", "--python", str(environment / "bin/python"), *REPO2DOCKER]
    ended = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode != 0:
        pytest.skip(f"uv cannot install {REPO2DOCKER[0]}: {ended.stderr.strip().splitlines()[-1]}")
    return Program(environment / "bin/repo2docker", environment={"DOCKER_HOST": docker_engine.host})


def test_repo2docker_builds_on_it_and_runs_the_result(
    build: Build, docker_engine: DockerEngine, repo2docker: Program, tmp_path: Path
) -> None:
    build("binder")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "notes.txt").write_text("from the repository")
    (repository / "Dockerfile").write_text("FROM binder:v1\nCOPY --chown=1000 notes.txt ${HOME}/\n")
    user = ("--user-id", "1000", "--user-name", "jovyan")
    repo2docker(*user, "--image-name", "built-by-repo2docker:v1", "--no-run", repository, timeout=240)
    # As `repo2docker` runs an image: a command of its own, in the image's folder.
    program = "import os, jupyterlab; print(os.getuid(), os.getcwd(), open('notes.txt').read())"
    said = docker_engine.run("built-by-repo2docker:v1", "python", "-c", program).stdout
    assert said == "1000 /home/jovyan from the repository\n"
    served = docker_engine.run("built-by-repo2docker:v1", "python", "-c", BINDER, timeout=180)
    assert served.stdout.split() == ["0", "True"]


@pytest.fixture
def devcontainer(docker_engine: DockerEngine, tmp_path: Path) -> Program:
    """Return the reference implementation of development containers, which npm brings."""
    modules = install_npm(DEVCONTAINERS, tmp_path / "npm")
    environment = {
        "DOCKER_HOST": docker_engine.host,
        "DOCKER_CONFIG": str(tmp_path),
        "PATH": os.pathsep.join([str(docker_engine.docker.path.parent), search_path()]),
    }
    return Program(modules / ".bin/devcontainer", environment=environment)


def test_a_development_container_starts_as_its_user(
    build: Build, docker_engine: DockerEngine, devcontainer: Program, tmp_path: Path
) -> None:
    build("devcontainer")
    project = tmp_path / "project"
    (project / ".devcontainer").mkdir(parents=True)
    settings = {"image": "devcontainer:v1", "runArgs": ["--network", "none"]}
    (project / ".devcontainer/devcontainer.json").write_text(json.dumps(settings))
    where = ("--workspace-folder", project)
    started = json.loads(devcontainer("up", *where, timeout=240).stdout.splitlines()[-1])
    try:
        assert (started["outcome"], started["remoteUser"]) == ("success", "vscode")
        said = devcontainer("exec", *where, "python", "-c", "import os, pwd; print(pwd.getpwuid(os.getuid()).pw_name)")
        assert said.stdout.strip() == "vscode"
    finally:
        docker_engine.docker("rm", "--force", started["containerId"])
