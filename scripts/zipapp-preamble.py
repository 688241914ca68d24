"""Runs before the program of a zipapp: refuses interpreters that its compiled modules are not for."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

module = Path(str(globals()["site_packages"]), "isal", "isal_zlib")
if not any(module.with_name(module.name + suffix).exists() for suffix in EXTENSION_SUFFIXES):
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"error: this file was made for another version of Python, or another system, than this one ({version})")
