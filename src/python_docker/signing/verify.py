"""verify_signatures: who signed an image, of all that claim to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_docker.copying.referrer import list_referrers, read_document
from python_docker.errors import Error, InvalidSignature, NotFound
from python_docker.signing.bundle import BUNDLE_TYPE, Statement, is_about
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION, verify_payload
from python_docker.signing.statement import SIGNATURE
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import PAYLOAD
from python_docker.spec.documents import Manifest

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
    tagged: Source | None = None,
) -> SignatureReport:
    """Return what is signed of the image with a digest, by who `check` says.

    `tagged` is what cosign's older tag names, where there is one: its signatures are checked with `key`. Signatures
    that cannot be read or are not valid are refused with a reason; they do not keep others from counting.
    """
    found: list[Signature] = []
    refused: list[str] = []
    for name, read in (*_bundles(source, digest, check), *_payloads(tagged, digest, key)):
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


def _payloads(tagged: Source | None, digest: Digest, key: VerifyingKey | None) -> Iterator[_Read]:
    if tagged is None or key is None:
        return
    try:
        root = tagged.root()
    except NotFound:
        return
    for layer in root.layers[:_MOST] if isinstance(root, Manifest) else ():
        if layer.media_type != PAYLOAD:
            continue

        def read(layer: Descriptor = layer) -> Signature:
            signature = (layer.annotations or {}).get(SIGNATURE_ANNOTATION, "")
            signed = verify_payload(tagged.blob(layer).read(_MAX_PAYLOAD), signature, key)
            if signed != digest:
                raise InvalidSignature("it is about another image")
            return Signature("tag", SIGNATURE, layer.digest)

        yield layer.digest, read
