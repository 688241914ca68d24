"""A sandbox for programs that packages bring: without network and without the user's files.

A program in it sees the folders that it is given, read-only unless they are said to be writable, the system's shared
libraries when it asks for them, and nothing else: no home folder, no environment variables but its own, no other
processes, no capabilities and no way to get any. It ends when this process ends.

    sandbox = find_sandbox()                    # raises SandboxUnavailable with the reason
    view = View(folders={"/python": unpacked}, system_libraries=True, variables={"LD_LIBRARY_PATH": "/python/lib"})
    run_program(sandbox.command(["/python/bin/python3.12", "-I"], view), environ={})
"""

from __future__ import annotations

from conda_docker.sandbox.find import Sandbox, find_sandbox
from conda_docker.sandbox.view import View

__all__ = ["Sandbox", "View", "find_sandbox"]
