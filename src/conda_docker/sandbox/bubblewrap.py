"""Sandboxes of bubblewrap (bwrap(1))."""

from __future__ import annotations

from collections.abc import Sequence

from conda_docker.sandbox.view import View


def bubblewrap_command(program: str, arguments: Sequence[str], view: View, *, nesting: bool = False) -> list[str]:
    """Return the command line that has the bubblewrap at `program` run `arguments` with a view of this machine.

    With `nesting`, the program may make user namespaces of its own, which bubblewrap before 0.8 cannot forbid.
    """
    command = [program, "--unshare-all", "--unshare-user", "--hostname", "localhost"]
    if not nesting:
        command += ["--disable-userns"]
    if view.network:
        command += ["--share-net"]
    if view.root:
        command += ["--uid", "0", "--gid", "0"]
    command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for name, value in view.variables.items():
        command += ["--setenv", name, value]
    for place, target in view.links():
        command += ["--symlink", target, place]
    for place, source in view.read_only():
        command += ["--ro-bind", str(source), place]
    for place, source in sorted(view.writable.items()):
        command += ["--bind", str(source), place]
    for place in view.temporary:
        command += ["--tmpfs", place]
    if view.devices:
        # Read-only: what is below /proc/sys belongs to whoever is root outside, with capabilities or without.
        command += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
    if not view.has_own_root:
        command += ["--remount-ro", "/"]
    return [*command, "--chdir", view.working_folder, "--", *arguments]
