"""What other programs call their commands and options, and what does the same here."""

from __future__ import annotations

from collections.abc import Mapping

_KEPT = "images are kept by Docker, by registries and in files: `conda-docker inspect IMAGE` shows one"
_LOGIN = (
    "log in with `docker login` or `podman login`, whose credentials are used, or give `copy` --username; "
    "`conda-docker doctor` shows which there are"
)
_PACKAGES = (
    "packages are chosen by `conda-docker build SPEC...`, or by an environment.yml: `conda-docker build -f FILE`"
)
_START = "Docker and Podman run containers: `conda-docker build --load -i NAME ...`, then `docker run --rm -it NAME`"
_COPY = "`conda-docker copy SRC DST` moves an image between registries, files and Docker"
_PUSH = (
    "`conda-docker build --push -i REGISTRY/NAME ...` builds and pushes, and `conda-docker copy IMAGE "
    "docker://REGISTRY/NAME` pushes an image that exists"
)

COMMANDS: Mapping[str, str] = {
    **dict.fromkeys(("push", "upload", "publish"), _PUSH),
    **dict.fromkeys(("pull", "save", "load", "export", "import", "tag", "convert", "sync", "download"), _COPY),
    **dict.fromkeys(("run", "exec", "start", "shell", "up", "activate"), _START),
    **dict.fromkeys(("images", "ls", "list", "ps", "rmi", "rm", "remove", "delete", "image"), _KEPT),
    **dict.fromkeys(("login", "logout", "auth"), _LOGIN),
    **dict.fromkeys(("install", "create", "env", "search", "add", "environment"), _PACKAGES),
    **dict.fromkeys(("clean", "prune", "gc", "clear"), "`conda-docker cache prune` and `conda-docker cache clear`"),
    **dict.fromkeys(
        ("solve", "update", "upgrade", "freeze", "pin"),
        "`conda-docker lock` chooses exact packages, and `conda-docker lock --update NAME` newer ones",
    ),
    **dict.fromkeys(("info", "check", "status", "config"), "`conda-docker doctor` shows this machine's settings"),
    **dict.fromkeys(("history", "show", "layers", "manifest", "tags", "packages"), "`conda-docker inspect IMAGE`"),
    "sbom": "`conda-docker inspect --sbom cyclonedx IMAGE` prints a bill of materials, and `conda-docker build --sbom "
    "FORMAT` attaches one",
    "attest": "`conda-docker build` has --sbom, --provenance and --sign-key; `conda-docker sign` signs an image that "
    "is there already",
    "scan": "give a scanner the bill of materials that `conda-docker build --sbom FORMAT` writes",
    "version": "`conda-docker --version`",
    **dict.fromkeys(
        ("completion", "completions"),
        "`_CONDA_DOCKER_COMPLETE=bash_source conda-docker` prints what bash completes by; zsh_source and fish_source "
        "are for these",
    ),
    **dict.fromkeys(("buildx", "builder", "make", "pack", "package"), "`conda-docker build`"),
}
"""What to type in place of commands of other programs, by their names."""

OPTIONS: Mapping[str, str] = {
    "--run": "nothing is run by a build; packages, --project and --add say what is in the image",
    "--pip": "pip packages go into the `pip:` section of an environment.yml",
    "--build-arg": "nothing is run by a build; --env sets a variable of the image",
    **dict.fromkeys(("--from", "--base-image", "--from-image"), "--base IMAGE is the image to build on"),
    **dict.fromkeys(
        ("-r", "--requirement", "--requirements"),
        "requirements of pip go into the `pip:` section of an environment.yml, as in `- pip: [-r requirements.txt]`",
    ),
    **dict.fromkeys(
        ("-e", "--env-file"), "--env NAME=VALUE sets a variable of the image, --file names an environment.yml"
    ),
    "--python": "give it as a package: python=3.12",
    "--squash": "--layering-strategy single makes one layer of all packages",
    "--arch": "--platform linux/arm64",
    **dict.fromkeys(("--port", "--publish"), "--expose PORT declares a port"),
    **dict.fromkeys(("-d", "--dest", "--destination", "--out"), "--output says where the image goes"),
    **dict.fromkeys(("-y", "--yes"), "nothing is asked"),
    "--silent": "--quiet shows only results and errors",
    "--no-progress": "--progress none shows no progress",
    "--pull": "a base image in a registry is asked for each time; --offline uses what is here",
    "--rm": "nothing runs in a build, so that nothing is left to remove",
    "--no-cache-dir": "--no-cache makes every layer anew, and `conda-docker cache prune` frees space",
    **dict.fromkeys(("--html", "--pdf"), "`conda-docker report IMAGE -o FILE` writes a page"),
    "--format": "-o oci-archive:PATH, oci:DIR or NAME.tar say the format of an image, --json prints for programs",
    **dict.fromkeys(("--copy", "--volume"), "--add SRC:DST adds files"),
    "--command": "--cmd is what containers run",
    "--dockerfile": "there is no Dockerfile: the options of `build` say what one would",
}
"""What to give in place of options of other programs, by their names."""


OF_OTHER_COMMANDS: Mapping[str, str] = dict.fromkeys(
    ("-f", "--file"),
    "`conda-docker build -f FILE` and `conda-docker lock -f FILE` take one; `conda-docker bake` takes files and "
    "folders as arguments",
)
"""Options of some commands, by which others are given something in another way."""

NOT_ABBREVIATED = frozenset({"pip"})
"""Words for options above that are also the beginning of an option, which does something else."""


def command_advice(name: str) -> str | None:
    """Return what to type in place of a command that there is not; None for one that nothing is known of."""
    if name.endswith((".yml", ".yaml", ".toml", ".lock")):
        return f"`conda-docker build -f {name}` builds an image of a file"
    return COMMANDS.get(name.lower())


def option_advice(name: str) -> str | None:
    """Return what to give in place of an option that there is not; None for one that nothing is known of."""
    return OPTIONS.get(name) or OF_OTHER_COMMANDS.get(name)
