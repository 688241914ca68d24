"""Run a command in a root file system that is a plain folder, with bubblewrap or runc."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.peers.availability import require
from tests.peers.containment import dying_with_us, in_own_namespaces, remove_cgroups
from tests.peers.program import DEFAULT_TIMEOUT, Program, run

_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID", "CAP_KILL"]


def run_in_bwrap(
    root: Path,
    *command: str,
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    timeout: float = DEFAULT_TIMEOUT,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command with `root` as its root file system, without a network; its environment is PATH and `env`."""
    bwrap = require("bwrap")
    variables = [word for name, value in {**_PATH, **(env or {})}.items() for word in ("--setenv", name, value)]
    with _mount_points(root, "proc", "dev"):
        options = ["--bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "--die-with-parent"]
        user = [] if os.geteuid() == 0 else ["--uid", "0", "--gid", "0"]
        sandbox = [str(bwrap), *options, *user, "--chdir", cwd, "--clearenv", *variables]
        return run(dying_with_us([*sandbox, "--", *command]), timeout=timeout, check=check)


def run_in_runc(
    root: Path,
    *command: str,
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    timeout: float = DEFAULT_TIMEOUT,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command in an OCI container made of `root`, without a network; its environment is PATH and `env`."""
    runc = require("runc")
    container = f"conda-docker-tests-{uuid.uuid4().hex[:12]}"
    variables = [f"{name}={value}" for name, value in {**_PATH, **(env or {})}.items()]
    with tempfile.TemporaryDirectory(prefix="runc-") as bundle, _mount_points(root, "proc", "dev", "sys"):
        config = _runtime_config(root, list(command), variables, cwd)
        Path(bundle, "config.json").write_text(json.dumps(config))
        start = [str(runc), "--root", f"{bundle}/state", "run", "--bundle", bundle, container]
        try:
            return run(in_own_namespaces(start, shared=[root, Path(bundle)]), timeout=timeout, check=check)
        finally:
            remove_cgroups(container)


def unpack_image(umoci: Program, layout: Path, tag: str, bundle: Path) -> Path:
    """Unpack an image of an OCI layout with umoci into the new folder `bundle`, and return its root file system."""
    rootless = () if os.geteuid() == 0 else ("--rootless",)
    umoci("unpack", *rootless, "--image", f"{layout}:{tag}", bundle)
    return bundle / "rootfs"


def _runtime_config(root: Path, command: list[str], variables: list[str], cwd: str) -> dict[str, object]:
    """Return the smallest configuration of the OCI runtime specification that ordinary programs run with."""
    namespaces = ["pid", "mount", "ipc", "uts", "network"]
    capabilities = dict.fromkeys(("bounding", "effective", "permitted"), _CAPABILITIES)
    devices = {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": command,
            "env": variables,
            "cwd": cwd,
            "capabilities": capabilities,
            "noNewPrivileges": True,
        },
        "root": {"path": str(root.resolve())},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            devices,
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro", "nosuid", "noexec", "nodev"]},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in namespaces]},
    }


@contextlib.contextmanager
def _mount_points(root: Path, *names: str) -> Iterator[None]:
    """Leave `root` as it was, though runtimes make the folders in it that they mount on."""
    new = [root / name for name in names if not os.path.lexists(root / name)]
    try:
        yield
    finally:
        for folder in new:
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()
