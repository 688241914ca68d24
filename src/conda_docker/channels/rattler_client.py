"""How rattler reaches channels: by its own configuration, conda's settings for TLS and proxies, stored credentials."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.bounded.program import is_bounded
from conda_docker.cache.location import index_cache_dir, private_temporary_folder
from conda_docker.channels.configuration import TRUSTSTORE, CondaConfiguration, authorities
from conda_docker.channels.mirrors import Mirrors, mirrored_urls
from conda_docker.channels.proxies import checked_proxies
from conda_docker.errors import CacheError, InvalidEnvironment
from conda_docker.redaction import public_text
from conda_docker.user_files import is_there
from python_docker.errors import reason_of
from python_docker.files.home import home_folder
from python_docker.parallel import Shared

if TYPE_CHECKING:
    from rattler import Config, Gateway
    from rattler.networking import Client

_RETRIES = 3
_TOOLS = ("rattler", "pixi")


def rattler_configuration(configuration: CondaConfiguration) -> Config:
    """Return the configuration of pixi and other tools of rattler's, with conda's TLS and proxy settings and the
    mirrors of mamba beneath it.

    Raises `InvalidEnvironment` for a file that cannot be read.
    """
    from rattler import Config
    from rattler.exceptions import ConfigError

    ours = Config()
    try:
        if configuration.ssl_verify is False:
            ours.set("tls-no-verify", "true")
        elif bundle := authorities(configuration):
            # The one way to give rattler authorities of one's own; what is set already is nearer to the user.
            os.environ.setdefault("SSL_CERT_DIR" if bundle.is_dir() else "SSL_CERT_FILE", str(bundle))
        if configuration.ssl_verify == TRUSTSTORE or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
            ours.set("tls-root-certs", "system")  # else rattler trusts the authorities that it was built with
        for scheme, proxy in checked_proxies(configuration).items():
            ours.set(f"proxy-config.{scheme}", json.dumps(proxy))
        for url, mirrors in mirrored_urls(configuration).items():
            ours.set(f'mirrors."{url}"', json.dumps(mirrors))
        return ours.merge(Config.load_from_default_locations("pixi"))
    except (ConfigError, ValueError) as error:
        reason = public_text(str(error))
        raise InvalidEnvironment(f"the configuration of rattler or pixi cannot be used: {reason}") from error


def mirrors_of(configuration: CondaConfiguration) -> Mirrors:
    """Return the mirrors that the user has configured. Raises `InvalidEnvironment` for a file that cannot be read."""
    if not configuration.mirrored_channels and not any(map(is_there, _configuration_files())):
        return Mirrors()  # and rattler, which takes long to import, need not be asked
    return Mirrors(rattler_configuration(configuration).mirrors)


def _configuration_files() -> Iterator[Path]:
    """Yield where rattler and pixi may look for their configuration, on any system."""
    home = home_folder()
    folders = [Path("/etc"), home / ".config", home / "Library" / "Application Support"]
    folders += [
        Path(os.environ[name]) for name in ("XDG_CONFIG_HOME", "APPDATA", "PROGRAMDATA") if os.environ.get(name)
    ]
    yield from (folder / tool / "config.toml" for folder in folders for tool in _TOOLS)
    yield Path(os.environ.get("PIXI_HOME") or home / ".pixi") / "config.toml"
    yield home / ".pixi" / "config.toml"


def rattler_client(config: Config) -> Client:
    """Return a client that authenticates with rattler's stores.

    These are the file that `RATTLER_AUTH_FILE` names, the keyring, `~/.rattler/credentials.json` and `.netrc`
    (rattler_networking, authentication_storage). Raises `InvalidEnvironment` where one of these is not a regular file:
    rattler would wait for a FIFO, and nothing could interrupt it.
    """
    from rattler.networking import Client

    home = home_folder()
    netrc = os.environ.get("NETRC") or home / ".netrc"
    for file in (netrc, os.environ.get("RATTLER_AUTH_FILE") or home / ".rattler" / "credentials.json"):
        if os.path.exists(file) and not os.path.isfile(file):  # noqa: PTH110, PTH113 -- these raise nothing
            raise InvalidEnvironment(f"cannot read {file}: not a regular file")
    with _home_that_is_a_folder():
        try:
            return Client.from_config(config, max_retries=_RETRIES)
        except ValueError as error:  # "builder error", as an image without certificates has it
            named = os.environ.get("SSL_CERT_FILE")
            where = f"SSL_CERT_FILE names {named}" if named else "this system has none that are found"
            raise InvalidEnvironment(
                f"cannot read the certificates that channels are verified by ({error}): {where}; SSL_CERT_FILE must "
                "name a file of certificates in PEM format"
            ) from error


@contextmanager
def _home_that_is_a_folder() -> Iterator[None]:
    """Spare rattler a home at which it would stop: none, one such as /dev/null, or one with another user's credentials.

    What others store there is looked for anyway (`Credentials`), with a warning where it cannot be read.
    """
    home = os.environ.get("HOME")
    # As rattler looks for it, whatever `home_folder` makes of the place.
    if _is_unknown(home) or _stops_rattler(Path(os.path.expanduser("~/.rattler/credentials.json"))):  # noqa: PTH111
        os.environ["HOME"] = str(private_temporary_folder("HOME"))
        try:
            yield
        finally:
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home
        return
    yield


def _is_unknown(home: str | None) -> bool:
    """Return whether neither the variable nor the system's accounts say where the user's home is."""
    if home or sys.platform == "win32":
        return False
    import pwd

    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return True
    return False


def _stops_rattler(credentials: Path) -> bool:
    try:
        credentials.lstat()
    except (NotADirectoryError, PermissionError):
        return True
    except OSError:
        return False  # it looks no further in a home that is not there
    return not os.access(credentials, os.R_OK)


_shared: Shared[tuple[bool, bool, bool], Gateway] = Shared()
_one_at_a_time = threading.RLock()  # whoever makes one may change the environment of the process for that


def shared_gateways() -> AbstractContextManager[None]:
    """Have all solves within the block read each index once, on whatever threads they are.

    Without it each asks the channels whether their indexes have changed, as is right for a process that stays. The
    settings of the first solve count for all.
    """
    return _shared.block()


def gateway(
    config: Config, *, offline: bool = False, sharded: bool = True, private: bool = False, alone: bool = False
) -> Gateway:
    """Return the way to the indexes of channels. `offline`: what was downloaded once is used, however old it is.

    `private`: the URLs hold credentials. Rattler writes URLs as they are into its cache, in files that everybody may
    read, so that these go into a folder that is the user's alone. `alone`: one that nobody else asks, also within
    `shared_gateways`. Raises `CacheError` when it cannot be made.
    """
    if is_bounded():
        _shared.keep()  # what this process is asked for later reads each index no second time
    with _one_at_a_time:
        if alone:
            return _new_gateway(config, offline=offline, sharded=sharded, private=private)
        return _shared.get(
            (offline, sharded, private),
            lambda: _new_gateway(config, offline=offline, sharded=sharded, private=private),
        )


def _new_gateway(config: Config, *, offline: bool, sharded: bool, private: bool) -> Gateway:
    from rattler import Gateway
    from rattler.repo_data.gateway import SourceConfig

    settings = config.repodata_config
    return Gateway(
        cache_dir=_private_cache_dir() if private else index_cache_dir(),
        default_config=SourceConfig(
            zstd_enabled=not settings.get("disable-zstd"),
            bz2_enabled=not settings.get("disable-bzip2"),
            sharded_enabled=sharded and not settings.get("disable-sharded"),
            cache_action="force-cache-only" if offline else "cache-or-fetch",
        ),
        max_concurrent_requests=config.concurrency_downloads,
        client=rattler_client(config),
    )


def _private_cache_dir() -> Path:
    folder = index_cache_dir() / "private"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise CacheError(
            f"the cache of channel indexes {folder} cannot be written: {reason_of(error)}; "
            "RATTLER_CACHE_DIR chooses another folder for it"
        ) from error
    return folder
