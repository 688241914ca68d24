"""Options that say what containers of the image run with."""

from __future__ import annotations

import click

from conda_docker.arguments.in_image import to_folder, to_home, to_ports, to_user, to_user_name
from conda_docker.arguments.values import to_command, to_mapping
from conda_docker.build_options import (
    Activate,
    BuildOptions,
    LinkScripts,
)
from conda_docker.cli.options import common
from conda_docker.cli.options.arguments import to_lines
from conda_docker.cli.options.content import CONTENT
from conda_docker.cli.parameters import Option
from conda_docker.profiles.names import PROFILE_NAMES

RUNTIME = "What containers run with"

SOURCES = ("git", "pyproject")
_DEFAULTS = BuildOptions()

RUNTIME_OPTIONS = (
    Option(
        "--profile",
        sets="options.profile",
        metavar="SYSTEM",
        type=click.Choice(PROFILE_NAMES),
        panel=RUNTIME,
        help="Give the image the user, folders, ports, variables and command that a system expects: "
        f"{', '.join(PROFILE_NAMES)}; other options win.",
    ),
    Option(
        "--env",
        sets="options.env",
        metavar="K=V",
        multiple=True,
        convert=to_mapping,
        panel=RUNTIME,
        help="Set an environment variable; repeatable. In PATH, `$PATH` is what the image has.",
    ),
    Option(
        "--label",
        sets="options.labels",
        metavar="K=V",
        multiple=True,
        convert=to_lines,
        panel=RUNTIME,
        help="Set a label; repeatable, or several on lines of their own.",
    ),
    Option(
        "--label-from",
        metavar="SOURCE",
        type=click.Choice(SOURCES),
        multiple=True,
        panel=RUNTIME,
        help="Set labels and annotations (org.opencontainers.image.*) from git or pyproject: the checkout or the "
        "pyproject.toml of the first --project, else of this folder; repeatable.",
    ),
    Option(
        "--annotation",
        sets="options.annotations",
        metavar="K=V",
        multiple=True,
        convert=to_lines,
        panel=RUNTIME,
        help="Set an annotation of the manifest, or with index:K=V of the index of several platforms; repeatable.",
    ),
    Option(
        "--entrypoint",
        sets="options.entrypoint",
        metavar="COMMAND",
        convert=to_command,
        panel=RUNTIME,
        help="The entrypoint: words as in a shell, or a JSON list.",
    ),
    Option(
        "--cmd",
        sets="options.cmd",
        metavar="COMMAND",
        convert=to_command,
        panel=RUNTIME,
        help="The default command, written in the same way.",
    ),
    Option(
        "--user",
        sets="options.user",
        metavar="USER[:GROUP]",
        convert=to_user,
        panel=RUNTIME,
        help="Run as this user, by name or number, such as 1000 or 1000:100; one that the base image does not have is "
        "added, with a home folder.",
    ),
    Option(
        "--user-name",
        sets="options.user_name",
        metavar="NAME",
        convert=to_user_name,
        panel=RUNTIME,
        help="The name of an added user [default: app].",
    ),
    Option(
        "--home",
        sets="options.home",
        metavar="PATH",
        convert=to_home,
        panel=RUNTIME,
        help="The user's home folder [default: /home/NAME].",
    ),
    Option(
        "--workdir",
        sets="options.workdir",
        metavar="PATH",
        convert=to_folder,
        panel=RUNTIME,
        help="Start in this folder.",
    ),
    Option(
        "--expose",
        sets="options.expose",
        metavar="PORT",
        multiple=True,
        convert=to_ports,
        panel=RUNTIME,
        help="8080, 53/udp, 9000-9010, ...; repeatable.",
    ),
    Option(
        "--activate",
        sets="options.activate",
        metavar="HOW",
        **common.member_of(Activate),
        panel=RUNTIME,
        help="What `conda activate` would set: auto (variables, and an entrypoint if packages bring scripts), "
        f"env (variables), entrypoint (both) or never [default: {_DEFAULTS.activate}]",
    ),
    Option(
        "--frozen",
        sets="options.frozen",
        is_flag=True,
        panel=RUNTIME,
        help="Mark the environment as one that conda and pip refuse to change.",
    ),
    Option(
        "--link-scripts",
        sets="options.link_scripts",
        metavar="HOW",
        **common.member_of(LinkScripts),
        panel=CONTENT,
        help="What to do with packages' post-link scripts: warn (name them, and do not run them), run (in a sandbox; "
        f"what they change becomes a layer) or refuse [default: {_DEFAULTS.link_scripts}]",
    ),
    Option(
        "--link-scripts-network",
        sets="options.link_scripts_network",
        is_flag=True,
        panel=CONTENT,
        help="Allow link scripts to use the network.",
    ),
)
"""In the order of the help."""
