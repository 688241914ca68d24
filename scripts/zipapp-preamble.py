"""Runs before the program of a zipapp: refuses interpreters that its compiled modules are not for."""

import os.path
import sys

try:
    from importlib.machinery import EXTENSION_SUFFIXES
except ImportError:
    EXTENSION_SUFFIXES = []

module = os.path.join(str(globals()["site_packages"]), "pydantic_core", "_pydantic_core")
if not any(os.path.exists(module + suffix) for suffix in EXTENSION_SUFFIXES):
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit("error: this file was made for another version of Python, or another system, than this one (%s)" % version)  # noqa: UP031
