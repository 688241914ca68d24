"""A small registry in memory, by the distribution specification, that tests can give the oddities of others."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
import uuid
from collections.abc import Callable

from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

_ROUTE = re.compile(r"/v2/(?P<path>.+)/(?P<kind>blobs|manifests|tags)/(?P<rest>.*)")
_REFERRERS = re.compile(r"/v2/(?P<path>.+)/referrers/(?P<digest>[^/]+)")
Hook = Callable[[Asked], Answer | None]


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def refusal(status: int, code: str, message: str = "no") -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, body, {"Content-Type": "application/json"})


class StubRegistry(StubServer):
    """Keeps repositories in memory. `hook` sees each request first and may answer in its place.

    `blobs` maps (repository, digest) to content, `manifests` (repository, tag or digest) to (media type, content).
    """

    def __init__(self, hook: Hook = lambda asked: None, tls: ssl.SSLContext | None = None) -> None:
        self.hook = hook
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.upload_headers: dict[str, str] = {}
        self.knows_referrers = False
        """Whether it lists what is attached to a manifest (OCI 1.1), rather than leaving that to a tag."""
        self.place = "/v2/{path}/blobs/uploads/{id}?_state={state}"
        """Where uploads go on: the Location of answers."""
        self._state: dict[str, str] = {}
        self._changing = threading.Lock()
        super().__init__(self._answer, tls)

    def _answer(self, asked: Asked) -> Answer:
        special = self.hook(asked)
        if special is not None:
            return special
        with self._changing:
            return self.default(asked)

    def default(self, asked: Asked) -> Answer:
        """What the registry itself answers."""
        if asked.path == "/v2/":
            return Answer(200, b"{}")
        if self.knows_referrers and (listed := _REFERRERS.fullmatch(asked.path)):
            return self._referrers(listed["path"], listed["digest"])
        route = _ROUTE.fullmatch(asked.path)
        if route is None:
            return refusal(404, "UNSUPPORTED")
        path, rest = route["path"], route["rest"]
        if route["kind"] == "manifests":
            return self._manifest(asked, path, rest)
        if route["kind"] == "tags":
            tags = sorted({name for where, name in self.manifests if where == path and ":" not in name})
            return Answer(200, json.dumps({"name": path, "tags": tags or None}).encode())
        if rest.startswith("uploads/"):
            return self._upload(asked, path, rest.removeprefix("uploads/"))
        return self._blob(asked, path, rest)

    def _manifest(self, asked: Asked, path: str, reference: str) -> Answer:
        if asked.method == "PUT":
            digest = sha256(asked.body)
            kept = (asked.headers["content-type"], asked.body)
            self.manifests[path, reference] = self.manifests[path, digest] = kept
            headers = {"Docker-Content-Digest": digest}
            subject = json.loads(asked.body).get("subject") if self.knows_referrers else None
            return Answer(201, headers=headers | ({"OCI-Subject": subject["digest"]} if subject else {}))
        if (path, reference) not in self.manifests:
            return refusal(404, "MANIFEST_UNKNOWN")
        media_type, content = self.manifests[path, reference]
        if asked.method == "DELETE":
            for key in [key for key, kept in self.manifests.items() if key[0] == path and kept[1] == content]:
                del self.manifests[key]
            return Answer(202)
        return Answer(200, content, {"Content-Type": media_type, "Docker-Content-Digest": sha256(content)})

    def _referrers(self, path: str, digest: str) -> Answer:
        entries = []
        for (where, name), (media_type, content) in self.manifests.items():
            value = json.loads(content)
            if where == path and ":" in name and (value.get("subject") or {}).get("digest") == digest:
                entry = {"mediaType": media_type, "digest": name, "size": len(content)}
                entry["artifactType"] = value.get("artifactType") or value["config"]["mediaType"]
                entries.append(entry | ({"annotations": value["annotations"]} if "annotations" in value else {}))
        media_type = "application/vnd.oci.image.index.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()
        return Answer(200, body, {"Content-Type": media_type})

    def _blob(self, asked: Asked, path: str, digest: str) -> Answer:
        content = self.blobs.get((path, digest))
        if content is None:
            return refusal(404, "BLOB_UNKNOWN")
        ranged = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("range", ""))
        if ranged is None:
            return Answer(200, content)
        start, end = int(ranged[1]), int(ranged[2])
        return Answer(206, content[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(content)}"})

    def _upload(self, asked: Asked, path: str, upload: str) -> Answer:
        if asked.method == "POST":
            source = (asked.query.get("from", ""), asked.query.get("mount", ""))
            if source in self.blobs:
                self.blobs[path, source[1]] = self.blobs[source]
                return Answer(201)
            upload = uuid.uuid4().hex
            self.uploads[upload] = bytearray()
            return Answer(202, headers={**self._location(path, upload), **self.upload_headers})
        if upload not in self.uploads or asked.query.get("_state", self._state[upload]) != self._state[upload]:
            return refusal(404, "BLOB_UPLOAD_UNKNOWN")
        if asked.method == "DELETE":
            del self.uploads[upload]
            return Answer(204)
        content = self.uploads[upload]
        if asked.method == "PATCH":
            start = re.match(r"(\d+)-", asked.headers.get("content-range", ""))
            if start is not None and int(start[1]) != len(content):
                return refusal(416, "RANGE_INVALID")
            content += asked.body
            return Answer(202, headers={**self._location(path, upload), "Range": f"0-{max(0, len(content) - 1)}"})
        if asked.method == "GET":
            return Answer(204, headers={**self._location(path, upload), "Range": f"0-{max(0, len(content) - 1)}"})
        content += asked.body
        del self.uploads[upload]
        if sha256(bytes(content)) != asked.query.get("digest"):
            return refusal(400, "DIGEST_INVALID")
        self.blobs[path, sha256(bytes(content))] = bytes(content)
        return Answer(201)

    def _location(self, path: str, upload: str) -> dict[str, str]:
        self._state[upload] = uuid.uuid4().hex
        return {"Location": self.place.format(path=path, id=upload, state=self._state[upload])}
