"""verify_signatures: who signed an image, of all that claim to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_docker.copying.attached import find_tagged
from python_docker.copying.referrer import list_referrers, read_document
from python_docker.errors import AccessDenied, ConnectionFailed, Error, InvalidSignature, TooManyRequests
from python_docker.signing.bundle import BUNDLE_TYPE, ENVELOPE, MAX_BUNDLE, Statement, is_about
from python_docker.signing.statement import SIGNATURE
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import PAYLOAD

if TYPE_CHECKING:
    from python_docker.signing.expected import Expected
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.transports.medium import Source

_MAX_PAYLOAD = 64 << 10
_MOST = 1000
"""How many signatures are looked at: whoever may push to a repository can attach any number."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A valid signature on an image: `form` is `bundle` or `tag`, `predicate_type` what it says of the image.

    `statement` is what is signed, if it is one. Those that are newer come first.
    """

    form: str
    predicate_type: str
    digest: Digest
    statement: Statement | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """The valid signatures on an image, and why others do not count."""

    signatures: tuple[Signature, ...]
    refused: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether one of them says that its signer stands behind the image, rather than states something about it."""
        return any(signature.predicate_type == SIGNATURE for signature in self.signatures)


def verify_signatures(source: Source, digest: Digest, expected: Expected) -> SignatureReport:
    """Return what is signed of the image with a digest by who is expected, attached and under cosign's older tags.

    Signatures that cannot be read or are not valid are refused with a reason; they do not keep others from counting.
    Raises what listing them raises, and `RegistryError` where a registry cannot be reached or refuses access.
    """
    found: list[Signature] = []
    refused: list[str] = []
    for name, read in (*_bundles(source, digest, expected), *_payloads(source, digest, expected)):
        try:
            found.append(read())
        except (AccessDenied, ConnectionFailed, TooManyRequests):
            raise  # says nothing of the signature
        except Error as error:
            refused.append(f"{name.short}: {error}")
    return SignatureReport(tuple(found), tuple(refused))


_Read = tuple[Digest, Callable[[], Signature]]


def _bundles(source: Source, digest: Digest, expected: Expected) -> Iterator[_Read]:
    for entry in list_referrers(source, digest, BUNDLE_TYPE)[:_MOST]:

        def read(entry: Descriptor = entry) -> Signature:
            statement = expected.statement(read_document(source, entry, digest))
            if not is_about(statement, digest):
                raise InvalidSignature("it is about another image")
            return Signature("bundle", statement.predicate_type, entry.digest, statement)

        yield entry.digest, read


def _payloads(source: Source, digest: Digest, expected: Expected) -> Iterator[_Read]:
    """Yield what is under cosign's older tags: payloads with signatures in annotations, and signed envelopes."""
    for _, _, manifest in find_tagged(source, [digest]):
        for layer in manifest.layers[:_MOST]:

            def read(layer: Descriptor = layer) -> Signature:
                annotations = layer.annotations or {}
                if layer.media_type == ENVELOPE:
                    statement = expected.attestation(source.blob(layer).read(MAX_BUNDLE), annotations)
                    if not is_about(statement, digest):
                        raise InvalidSignature("it is about another image")
                    return Signature("tag", statement.predicate_type, layer.digest, statement)
                if expected.payload(source.blob(layer).read(_MAX_PAYLOAD), annotations) != digest:
                    raise InvalidSignature("it is about another image")
                return Signature("tag", SIGNATURE, layer.digest)

            if layer.media_type in (PAYLOAD, ENVELOPE):
                yield layer.digest, read
