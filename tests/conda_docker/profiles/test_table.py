"""Each profile sets what the documentation of its system says."""

from __future__ import annotations

import json

from conda_docker.build_options import BuildOptions


def test_jupyterhub_starts_a_server_for_one_user() -> None:
    options = BuildOptions(profile="jupyterhub")
    assert (options.user, options.user_name, options.workdir) == ("1000:100", "jovyan", "/home/jovyan")
    assert (options.cmd, options.expose) == (("jupyterhub-singleuser",), ("8888/tcp",))
    assert options.env == {"NB_USER": "jovyan", "NB_UID": "1000", "NB_GID": "100", "HOME": "/home/jovyan"}


def test_binder_has_the_folders_of_repo2docker() -> None:
    options = BuildOptions(profile="binder")
    assert options.prefix == "/srv/conda/envs/notebook"
    assert (options.user, options.workdir, options.expose) == ("1000:1000", "/home/jovyan", ("8888/tcp",))
    assert options.env["REPO_DIR"] == options.env["HOME"] == "/home/jovyan"
    assert options.env["NB_PYTHON_PREFIX"] == options.env["KERNEL_PYTHON_PREFIX"] == options.prefix


def test_development_containers_name_their_user() -> None:
    options = BuildOptions(profile="devcontainer")
    assert json.loads(options.labels["devcontainer.metadata"]) == [{"remoteUser": "vscode"}]
    assert options.user_name == "vscode"


def test_a_name_that_is_given_is_that_of_the_development_container() -> None:
    options = BuildOptions(profile="devcontainer", user_name="me")
    assert json.loads(options.labels["devcontainer.metadata"]) == [{"remoteUser": "me"}]


def test_dask_starts_a_scheduler() -> None:
    options = BuildOptions(profile="dask")
    assert (options.cmd, options.expose) == (("dask", "scheduler"), ("8786/tcp", "8787/tcp"))


def test_kubernetes_gets_a_user_that_is_a_number_and_no_command() -> None:
    options = BuildOptions(profile="kubernetes")
    assert (options.user, options.cmd, options.expose) == ("1000:1000", None, ())
