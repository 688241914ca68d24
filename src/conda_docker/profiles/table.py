"""The table of profiles, each with the source of its rules."""

from __future__ import annotations

from collections.abc import Mapping

from conda_docker.profiles.profile import Account, Profile

# jupyter's docker-stacks, images/docker-stacks-foundation/Dockerfile: volumes can be shared with theirs. DockerSpawner
# and KubeSpawner start the image's own command where none is configured.
_JUPYTERHUB = Profile(
    name="jupyterhub",
    summary="notebook servers of JupyterHub",
    account=Account(
        name="jovyan",
        gid=100,
        variables={"NB_USER": "$name", "NB_UID": "$uid", "NB_GID": "$gid", "HOME": "$home"},
    ),
    cmd=("jupyterhub-singleuser",),
    expose=("8888",),
    needs=("jupyterhub", "jupyterhub-base", "jupyterhub-singleuser"),
)

# repo2docker, repo2docker/buildpacks/base.py: the variables of its template, and those of its conda build pack.
_BINDER = Profile(
    name="binder",
    summary="images as repo2docker makes them",
    account=Account(
        name="jovyan",
        variables={
            "USER": "$name",
            "NB_USER": "$name",
            "NB_UID": "$uid",
            "HOME": "$home",
            "REPO_DIR": "$home",
        },
    ),
    prefix="/srv/conda/envs/notebook",
    cmd=("jupyter", "lab", "--ip=0.0.0.0", "--port=8888"),
    expose=("8888",),
    env={
        "CONDA_DIR": "/srv/conda",
        "NB_PYTHON_PREFIX": "$prefix",
        "KERNEL_PYTHON_PREFIX": "$prefix",
    },
    needs=("jupyterlab",),
)

# The specification of development containers, "Image metadata"; vscode is the user of Microsoft's own images.
_DEVCONTAINER = Profile(
    name="devcontainer",
    summary="development containers of editors",
    account=Account(name="vscode", labels={"devcontainer.metadata": '[{"remoteUser": "$name"}]'}),
    cmd=("sleep", "infinity"),
)

# distributed, "Command Line": ports of the scheduler and of its dashboard. Workers are started with another command.
_DASK = Profile(
    name="dask",
    summary="schedulers and workers of Dask",
    account=Account(name="dask", variables={"HOME": "$home"}),
    cmd=("dask", "scheduler"),
    expose=("8786", "8787"),
    needs=("distributed",),
)

# Pod security standards, "Restricted": a user that is a number, and not root. Output reaches `kubectl logs` at once,
# and nothing is written to a root file system that may be read-only.
_KUBERNETES = Profile(
    name="kubernetes",
    summary="pods under the restricted security standard",
    account=Account(name="app", variables={"HOME": "$home"}),
    env={"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (_JUPYTERHUB, _BINDER, _DEVCONTAINER, _DASK, _KUBERNETES)
}
"""The profiles by their names, in the order of the help."""
