"""RegistrySession: requests to one registry, logged in as needed, tried again where that is safe."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

from python_docker.errors import RegistryError
from python_docker.http.body import Body
from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import retry_after
from python_docker.http.response import Response
from python_docker.http.resume import RANGE_REFUSALS
from python_docker.http.retry import is_passing, with_retries
from python_docker.http.url import check_url, origin, public_url
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.authorizer import Authenticator
from python_docker.registry.auth.credential_files import find_credentials
from python_docker.registry.contact import Contact
from python_docker.registry.failures import registry_error
from python_docker.spec.limits import MAX_DOCUMENT_SIZE

_log = logging.getLogger("python_docker.registry")
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class RegistrySession:
    """A registry as something to send requests to, from any number of threads. Nothing is sent before the first."""

    def __init__(self, address: RegistryAddress, options: RegistryOptions) -> None:
        self.address = address
        self.options = options
        self._contact = Contact(address, options)
        self._lock = threading.RLock()
        self._logins: dict[str, Authenticator] = {}
        self._warned: set[str] = set()

    def request(
        self,
        method: str,
        target: str,
        *,
        action: str,
        scopes: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        accept: Collection[int] = (200,),
        stream: bool = False,
        retry: bool = True,
        long: bool = False,
        limit: int = MAX_DOCUMENT_SIZE,
    ) -> Response:
        """Send a request to `target`, a path or a whole URL, logged in as needed, and check its status.

        `action` says in an error what was to be done. Unless `stream` is set, the body (`limit` bytes at most) has
        been read. `retry` says that the request may be repeated, `long` that it may take long (see
        `Authenticator.header`). Raises `RegistryError` and its kinds; `CredentialsError` when the credentials at hand
        cannot be read.
        """
        url = self.base_url + target if target.startswith("/") else target
        login = self._login(scopes)

        def send() -> Response:
            response = self._send_logged_in(method, url, login, scopes, headers, body, long)
            if stream and response.status in accept:
                return response
            with response:
                if response.status in accept:
                    response.content(limit)
                else:
                    response.error_content()
            return response

        try:
            response = with_retries(send, self.options, self._is_passing) if retry else send()
        except HttpError as error:
            raise registry_error(error, action) from None
        self._pass_warnings_on(response, login)
        if response.status not in accept:
            from python_docker.registry.refusal import refusal_error

            judged = login.judged_by(response) if self.is_own(response.url) else None
            raise refusal_error(
                response, action, docker_hub=self.address.is_docker_hub, hide=login.hide, credentials=judged
            )
        return response

    def _send_logged_in(
        self,
        method: str,
        url: str,
        login: Authenticator,
        scopes: Sequence[str],
        headers: Mapping[str, str] | None,
        body: Body | None,
        long: bool,
    ) -> Response:
        sent: str | None = None

        def authorization(target: str) -> str | None:
            return sent if self.is_own(target) else None

        since = time.monotonic()
        sent = login.header(scopes, long=long)
        response = self._contact.http.send(method, url, headers=headers, body=body, authorization=authorization)
        if response.status == 401 and self.is_own(response.url):
            from python_docker.registry.auth.challenge import parse_challenges

            challenges = parse_challenges(response.header_values("www-authenticate"))
            if login.refused(challenges, sent, scopes, since):
                response.discard()
                sent = login.header(scopes, long=long)
                response = self._contact.http.send(method, url, headers=headers, body=body, authorization=authorization)
        return response

    def prepare(self, scopes: Sequence[str]) -> None:
        """Do what comes before the first request that needs `scopes`: connect, log in. Raises what that would raise."""
        self._login(scopes).header(scopes)

    def open_elsewhere(self, urls: Sequence[str], headers: Mapping[str, str], action: str) -> Response:
        """Return the first good answer to a GET for one of `urls`, sent without credentials; the caller closes it."""
        accepted = {200, 206} | (RANGE_REFUSALS if "Range" in headers else set())
        failure: RegistryError | None = None
        for url in urls:

            def send(url: str = url) -> Response:
                if urlsplit(check_url(url)).scheme != "https" and not self.options.insecure:
                    raise HttpError(Cause.UNENCRYPTED, self.address.host, public_url(url))
                return self._contact.http.send("GET", url, headers=headers)

            try:
                response = with_retries(send, self.options)
            except HttpError as error:
                failure = failure or registry_error(error, f"{action}, which is kept elsewhere")
                continue
            if response.status in accepted:
                return response
            from python_docker.registry.refusal import refusal_error

            with response:
                failure = failure or refusal_error(response, action)
        raise failure or RegistryError(f"{self.address.host}: cannot {action}: its descriptor names no place for it")

    def hide(self, text: str) -> str:
        """Return a string by others without any credentials or tokens of this session that it may repeat."""
        with self._lock:
            logins = list(self._logins.values())
        for login in logins:
            text = login.hide(text)
        return text

    def is_own(self, url: str) -> bool:
        """Return whether a URL is one of this registry itself: scheme, host and port are its own."""
        try:
            return origin(url) == origin(self.base_url)
        except ValueError:
            return False

    def _is_passing(self, response: Response) -> bool:
        if response.status == 429 and retry_after(response.headers) is None:
            from python_docker.registry.refusal import is_pull_limit

            if is_pull_limit(response):
                # It lasts for hours.
                return False
        # Where a download was redirected to, a signed URL may have expired: ask the registry for a new one.
        return is_passing(response) or (response.status in {401, 403, 410} and not self.is_own(response.url))

    def _pass_warnings_on(self, response: Response, login: Authenticator) -> None:
        """Log what the registry warns of (distribution-spec, "Warnings"), each one once."""
        for header in response.header_values("warning")[:10]:
            match = _WARNING.match(header[:4096])
            text = login.hide(" ".join(re.sub(r"\\(.)", r"\1", match[1]).split())) if match else ""
            if text.isprintable() and text and text not in self._warned:
                self._warned.add(text)
                _log.warning("%s warns: %s", self.address.host, text)

    def resolve(self, response: Response, location: str) -> str:
        """Return a `Location` or `Link` of an answer as a whole URL, with TLS where the registry is reached by TLS.

        Raises `RegistryError` for anything that is not one.
        """
        own = urlsplit(self.base_url)
        try:
            url = urljoin(response.url, location).partition("#")[0]
            found = urlsplit(url)
            origin(url)
        except ValueError:
            raise RegistryError(f"{self.address.host} names an address that cannot be used") from None
        if (own.scheme, found.scheme) == ("https", "http") and own.hostname == found.hostname:
            # A registry behind a proxy that ends TLS may not know that it is reached by it.
            url = found._replace(scheme="https", netloc=own.netloc).geturl()
        return url

    # -- who speaks, and where to -----------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """What URLs of the registry start with; see `Contact.base_url`."""
        return self._contact.base_url

    def join(self, other: RegistrySession) -> None:
        """Have what `other` knows of the registry, and its connections, if they reach the same one in the same way.

        For a session that has not sent anything yet; it logs in by itself.
        """
        if other._contact.serves(self.address, self.options):
            self._contact = other._contact

    def _login(self, scopes: Sequence[str]) -> Authenticator:
        """Return the one that logs in for the repository of the first scope: credentials may differ between them."""
        path = scopes[0].split(":")[1] if scopes and scopes[0].startswith("repository:") else ""
        with self._lock:
            login = self._logins.get(path)
            if login is None:
                credentials = self._find_credentials(path)
                # As a rule they are the same for all of a registry, and then so are the tokens.
                login = next((known for known in self._logins.values() if known.credentials == credentials), None)
                if login is None:
                    login = Authenticator(self.base_url, self._contact.http, self.options, credentials)
                    if challenges := self._contact.challenges:
                        from python_docker.registry.auth.challenge import parse_challenges

                        login.meet(parse_challenges(challenges))
                self._logins[path] = login
            return login

    def _find_credentials(self, path: str) -> Credentials:
        options, domain = self.options, self.address.domain
        if options.credentials_for in {None, domain}:
            if options.token is not None:
                return Credentials(registry_token=options.token)
            if options.username is not None and options.password is not None:
                return Credentials.of_user(options.username, options.password)
        if not options.use_credential_files:
            return Credentials()
        return find_credentials(domain, path, options.environ) or Credentials()

    def close(self) -> None:
        """Close idle connections. The session, and what came from it, can still be used."""
        self._contact.http.close()
