"""link_package: the entries of a package become the entries of a layer, as a conda client would install them."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode import Compiler, DoesNotCompile
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.noarch import entry_point_script, installed_path, site_packages_of
from conda_docker.link.placeholder import BinaryReplacer, replace_binary, replace_large_text, replace_text
from conda_docker.link.record import InstalledPath, prefix_record
from conda_docker.package.archive import Package, UnsurveyedPackage
from conda_docker.package.extracted import path_order
from conda_docker.package.metadata import FileMode, PathEntry, PathType
from python_docker.digest import HashingReader
from python_docker.tar import EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.link.prefix import Prefix

Content = bytes | BinaryIO
