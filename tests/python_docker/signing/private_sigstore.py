"""A Sigstore of one's own: what an organization runs for itself, in one process and in memory.

It certifies identities as Fulcio does (with an embedded timestamp of a certificate log), keeps signatures as Rekor 1
does (with inclusion proofs), and its trust configuration names both. Sources: RFC 6962 for trees and timestamps;
sigstore/fulcio, docs/certificate-specification.md; sigstore/rekor, openapi.yaml.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://login.example.org"
AUDIENCE = "sigstore"
_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_TIMESTAMPS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ORIGIN = "rekor.example.org - 1"
_KEY_KIND = "PKIX_ECDSA_P256_SHA_256"


class PrivateSigstore:
    """A running one. `lifetime` is that of certificates; `refusal` a status and a body that requests for one get."""

    def __init__(self) -> None:
        self.lifetime = datetime.timedelta(minutes=10)
        self._authority, self._certificates, self._log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self._secret = "of those who give tokens, known to those who certify"
        self._root = self._new_root()
        self._leaves: list[bytes] = []
        self._lock = threading.Lock()
        self.refusal: tuple[int, bytes] | None = None
        self.certified = 0
        self.requests: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, identity: str, *, lives: float = 60) -> str:
        """Return a token that says who somebody is, for `lives` seconds."""
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": identity, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + int(lives)}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def trusted_root(self) -> dict[str, Any]:
        """Return `trusted_root.json`."""
        start = {"start": "2020-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey, path: str) -> dict[str, Any]:
            public = {"rawBytes": _base64(_der(key)), "keyDetails": _KEY_KIND, "validFor": start}
            return {
                "baseUrl": self.url + path,
                "hashAlgorithm": "SHA2_256",
                "publicKey": public,
                "logId": {"keyId": _base64(_key_id(key))},
            }

        chain = {"certificates": [{"rawBytes": _base64(self._root.public_bytes(Encoding.DER))}]}
        name = {"organization": "example.org", "commonName": "example"}
        authority = {"subject": name, "uri": self.url, "certChain": chain, "validFor": start}
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._log, "")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self._certificates, "/certificates")],
        }

    def trust_config(self) -> dict[str, Any]:
        """Return the client trust configuration."""
        service = {
            "url": self.url,
            "majorApiVersion": 1,
            "validFor": {"start": "2020-01-01T00:00:00Z"},
            "operator": "example.org",
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service],
                "rekorTlogUrls": [service],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaConfig": {"selector": "ANY"},
            },
        }

    # -- certificates ----------------------------------------------------------------------------------------------

    def certify(self, token: str, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a certificate request (`POST /api/v2/signingCert`)."""
        claims = jwt.decode(token, self._secret, algorithms=["HS256"], audience=AUDIENCE)
        csr = x509.load_pem_x509_csr(base64.b64decode(request["certificateSigningRequest"]))
        assert csr.is_signature_valid
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.certified += 1
        builder = self._leaf(key, claims["sub"], claims["iss"])
        before = builder.sign(self._authority, SHA256())
        stamped = builder.add_extension(self._stamps(before.tbs_certificate_bytes), critical=False)
        certificate = stamped.sign(self._authority, SHA256())
        chain = [one.public_bytes(Encoding.PEM).decode() for one in (certificate, self._root)]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}

    def _leaf(self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
        name: x509.GeneralName = x509.RFC822Name(identity)
        if "://" in identity:
            name = x509.UniformResourceIdentifier(identity)
        text = b"\x0c" + bytes([len(issuer)]) + issuer.encode()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._root.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + self.lifetime)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_V1, issuer.encode()), critical=False)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_V2, text), critical=False)
        )

    def _stamps(self, certificate: bytes) -> x509.UnrecognizedExtension:
        """Return the log's timestamp on a certificate, in the form in which it stands in that (RFC 6962, 3.2, 3.3)."""
        moment = int(time.time() * 1000)
        entry = hashlib.sha256(_der(self._authority)).digest() + len(certificate).to_bytes(3, "big") + certificate
        signature = self._certificates.sign(
            struct.pack("!BBQH", 0, 0, moment, 1) + entry + struct.pack("!H", 0), ec.ECDSA(SHA256())
        )
        stamp = struct.pack("!B32sQH", 0, _key_id(self._certificates), moment, 0)
        stamp += struct.pack("!BBH", 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp
        return x509.UnrecognizedExtension(_TIMESTAMPS, b"\x04" + _length(len(listed)) + listed)

    def _new_root(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example")])
        start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        key = self._authority.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key)
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=36500))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._authority, SHA256())
        )

    # -- the log ---------------------------------------------------------------------------------------------------

    def record(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """Answer a new entry (`POST /api/v1/log/entries`)."""
        spec = proposed["spec"]
        if proposed["kind"] == "dsse":
            content = spec["proposedContent"]
            envelope = content["envelope"]
            value = json.loads(envelope)
            [verifier] = content["verifiers"]
            spec = {
                "envelopeHash": _hashed(envelope.encode()),
                "payloadHash": _hashed(base64.b64decode(value["payload"])),
                "signatures": [{"signature": one["sig"], "verifier": verifier} for one in value["signatures"]],
            }
        body = _canonical({"apiVersion": "0.0.1", "kind": proposed["kind"], "spec": spec})
        with self._lock:
            self._leaves.append(hashlib.sha256(b"\0" + body).digest())
            leaves, index = list(self._leaves), len(self._leaves) - 1
        head = f"{_ORIGIN}\n{len(leaves)}\n{_base64(_tree_root(leaves))}\n"
        signed = _key_id(self._log)[:4] + self._log.sign(head.encode(), ec.ECDSA(SHA256()))
        promised = {
            "body": _base64(body),
            "integratedTime": int(time.time()),
            "logID": _key_id(self._log).hex(),
            "logIndex": index,
        }
        promise = self._log.sign(_canonical(promised), ec.ECDSA(SHA256()))
        proof = {
            "checkpoint": f"{head}\n\N{EM DASH} {_ORIGIN.split()[0]} {_base64(signed)}\n",
            "hashes": [one.hex() for one in _inclusion(index, leaves)],
            "logIndex": index,
            "rootHash": _tree_root(leaves).hex(),
            "treeSize": len(leaves),
        }
        verification = {"inclusionProof": proof, "signedEntryTimestamp": _base64(promise)}
        return {leaves[index].hex(): promised | {"verification": verification}}


def _handler(sigstore: PrivateSigstore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            sigstore.requests.append(content)
            is_certificate = self.path == "/api/v2/signingCert"
            if sigstore.refusal is not None and is_certificate:
                self._answer(*sigstore.refusal)
                return
            request = json.loads(content)
            if is_certificate:
                try:
                    answer = sigstore.certify(self.headers["Authorization"].removeprefix("Bearer "), request)
                except jwt.InvalidTokenError:
                    self._answer(401, b'{"code":16,"message":"the token is not from here"}')
                    return
            else:
                assert self.path == "/api/v1/log/entries"
                answer = sigstore.record(request)
            self._answer(201, json.dumps(answer).encode())

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


def _tree_root(leaves: list[bytes]) -> bytes:
    """Return the root of a Merkle tree (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _tree_root(leaves[:split]) + _tree_root(leaves[split:])).digest()


def _inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*_inclusion(index, leaves[:split]), _tree_root(leaves[split:])]
    return [*_inclusion(index - split, leaves[split:]), _tree_root(leaves[:split])]


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, False, False, False, not signs, not signs, False, False)


def _der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_der(key)).digest()


def _hashed(content: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}


def _canonical(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _length(size: int) -> bytes:
    """Return a length in DER."""
    return bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
