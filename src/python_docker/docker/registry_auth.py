"""What lends an engine the user's credentials for a registry, as the docker command does."""

from __future__ import annotations

from python_docker.spec.docker_hub import DOCKER_HUB, LOGIN_KEY
from python_docker.spec.reference import ImageReference


def registry_auth(reference: ImageReference) -> dict[str, str]:
    """Return the fields of `X-Registry-Auth` for pulling or pushing an image (Docker Engine API, "Authentication").

    Credentials are found where `python_docker.registry` finds them, and only those for the image's own registry are
    sent. Empty when there are none. Raises `CredentialsError`.
    """
    from python_docker.registry.access.credentials import Credentials
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.registry.auth.credential_files import find_credentials

    options = RegistryOptions.from_environment()
    if options.username is not None and options.password is not None and options.credentials_for == reference.domain:
        found: Credentials | None = Credentials.of_user(options.username, options.password)
    else:
        found = find_credentials(reference.domain, reference.path, options.environ)
    fields = {}
    if found:
        fields = {
            "username": found.username,
            "password": found.password,
            "identitytoken": found.identity_token,
            "registrytoken": found.registry_token,
            "serveraddress": LOGIN_KEY if reference.domain == DOCKER_HUB else reference.domain,
        }
    return {name: value for name, value in fields.items() if value}
