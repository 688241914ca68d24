"""Runs before the program of a zipapp: refuses interpreters that its compiled modules are not for."""

import importlib.util
import sys

if importlib.util.find_spec("pydantic_core._pydantic_core") is None:
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"error: this file was made for another version of Python, or another system, than this one ({version})")
