"""verify_signatures: who signed an image, of all that claim to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_docker.copying.attached import find_tagged
from python_docker.copying.referrer import list_referrers, read_document
from python_docker.errors import Error, InvalidSignature
from python_docker.signing.bundle import BUNDLE_TYPE, ENVELOPE, MAX_BUNDLE, Statement, is_about, verify_envelope
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION, verify_payload
from python_docker.signing.statement import SIGNATURE
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import PAYLOAD

if TYPE_CHECKING:
    from python_docker.signing.keys import VerifyingKey
    from python_docker.spec.descriptor import Descriptor
    from python_docker.transports.medium import Source

_MAX_PAYLOAD = 64 << 10
_MOST = 1000
"""How many signatures are looked at: whoever may push to a repository can attach any number."""

Check = Callable[[bytes], Statement]
"""Returns the statement in a bundle, or raises `InvalidSignature` when it is not by who it should be."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A valid signature on an image: `form` is `bundle` or `tag`, `predicate_type` what it says of the image."""

    form: str
    predicate_type: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """The valid signatures on an image, and why others do not count."""

    signatures: tuple[Signature, ...]
    refused: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether one of them says that its signer stands behind the image, rather than states something about it."""
        return any(signature.predicate_type == SIGNATURE for signature in self.signatures)


def verify_signatures(
    source: Source,
    digest: Digest,
    check: Check,
    *,
    key: VerifyingKey | None = None,
) -> SignatureReport:
    """Return what is signed of the image with a digest, by who `check` says.

    What cosign's older tags name is checked with `key`. Signatures that cannot be read or are not valid are refused
    with a reason; they do not keep others from counting.
    """
    found: list[Signature] = []
    refused: list[str] = []
    for name, read in (*_bundles(source, digest, check), *_payloads(source, digest, key)):
        try:
            found.append(read())
        except Error as error:
            refused.append(f"{name.short}: {error}")
    return SignatureReport(tuple(found), tuple(refused))


_Read = tuple[Digest, Callable[[], Signature]]


def _bundles(source: Source, digest: Digest, check: Check) -> Iterator[_Read]:
    for entry in list_referrers(source, digest, BUNDLE_TYPE)[:_MOST]:

        def read(entry: Descriptor = entry) -> Signature:
            statement = check(read_document(source, entry, digest))
            if not is_about(statement, digest):
                raise InvalidSignature("it is about another image")
            return Signature("bundle", statement.predicate_type, entry.digest)

        yield entry.digest, read


def _payloads(source: Source, digest: Digest, key: VerifyingKey | None) -> Iterator[_Read]:
    """Yield what is under cosign's older tags: payloads with signatures in annotations, and signed envelopes."""
    if key is None:
        return
    for _, _, manifest in find_tagged(source, [digest]):
        for layer in manifest.layers[:_MOST]:

            def read(layer: Descriptor = layer) -> Signature:
                if layer.media_type == ENVELOPE:
                    statement = verify_envelope(source.blob(layer).read(MAX_BUNDLE), key)
                    if not is_about(statement, digest):
                        raise InvalidSignature("it is about another image")
                    return Signature("tag", statement.predicate_type, layer.digest)
                signature = (layer.annotations or {}).get(SIGNATURE_ANNOTATION, "")
                if verify_payload(source.blob(layer).read(_MAX_PAYLOAD), signature, key) != digest:
                    raise InvalidSignature("it is about another image")
                return Signature("tag", SIGNATURE, layer.digest)

            if layer.media_type in (PAYLOAD, ENVELOPE):
                yield layer.digest, read
