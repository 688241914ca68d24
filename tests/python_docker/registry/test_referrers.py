"""What is attached to a manifest, where the registry lists it and where a tag does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from python_docker import write_image
from python_docker.errors import RegistryError
from python_docker.image.blob import Blob
from python_docker.parallel import in_parallel
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.destination import RegistryDestination
from python_docker.registry.referrers import keep_referrer, referrers
from python_docker.spec.digest_tags import referrers_tag
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import ImageFormat
from tests import peers
from tests.python_docker.registry.contents import Tally, small_image
from tests.python_docker.registry.pushing import push
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked


@pytest.fixture
def client(stub: StubRegistry, options: RegistryOptions) -> RegistryClient:
    return RegistryClient(stub.url, options)


class TestReferrers:
    @pytest.fixture
    def subject(self, stub: StubRegistry, options: RegistryOptions) -> Manifest:
        return push(stub, small_image("x"), options)

    def signature(self, subject: Manifest, number: int = 0) -> Manifest:
        config = Descriptor.of(b"{}", "application/vnd.example.signature")
        value = Manifest.new(ImageFormat.OCI, config, []).value()
        value |= {"subject": subject.descriptor.to_json(), "annotations": {"number": str(number)}}
        return Manifest.build(value)

    def put(self, client: RegistryClient, document: Manifest, path: str = "team/app") -> None:
        client_destination = RegistryDestination(client, path, None, document.digest)
        client_destination.put_blob(Blob.from_bytes(b"{}", document.config.media_type), Tally())
        client_destination.put_manifest(document, root=True)
        client_destination.commit()

    def test_kept_by_tag_where_the_registry_does_not(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest
    ) -> None:
        assert referrers(client, "team/app", subject.digest).manifests == ()
        signatures = [self.signature(subject, number) for number in range(2)]
        for signature in (*signatures, signatures[0]):
            self.put(client, signature)
        index = referrers(client, "team/app", subject.digest)
        assert [entry.digest for entry in index.manifests] == [signature.digest for signature in signatures]
        assert index.manifests[1].artifact_type == "application/vnd.example.signature"
        assert index.manifests[1].annotations == {"number": "1"}
        assert ("team/app", referrers_tag(subject.digest)) in stub.manifests

    def test_kept_by_the_registry(self, client: RegistryClient, stub: StubRegistry, subject: Manifest) -> None:
        signature = self.signature(subject)
        index = Index.new(ImageFormat.OCI, [signature.descriptor])

        def answer(asked: Asked) -> Answer | None:
            if "/referrers/" in asked.path:
                return Answer(200, index.raw, {"Content-Type": index.media_type})
            if asked.method != "PUT":
                return None
            return Answer(201, headers={"OCI-Subject": subject.digest})

        stub.hook = answer
        self.put(client, signature)
        assert len(stub.asked("PUT", "/manifests/sha256:")) == 1
        assert ("team/app", referrers_tag(subject.digest)) not in stub.manifests
        assert referrers(client, "team/app", subject.digest).raw == index.raw

    def pages(self, stub: StubRegistry, subject: Manifest, *links: str) -> list[Manifest]:
        """Have a registry list one signature a page, each with the link to what follows it."""
        signatures = [self.signature(subject, number) for number in range(len(links))]

        def answer(asked: Asked) -> Answer | None:
            if "/referrers/" not in asked.path:
                return None
            number = int(asked.query.get("page", 0))
            index = Index.new(ImageFormat.OCI, [signatures[number].descriptor])
            headers = {"Content-Type": index.media_type}
            return Answer(200, index.raw, headers | ({"Link": links[number]} if links[number] else {}))

        stub.hook = answer
        return signatures

    def test_a_list_in_pages(self, client: RegistryClient, stub: StubRegistry, subject: Manifest) -> None:
        place = f"/v2/team/app/referrers/{subject.digest}"
        links = [f'<{place}?page=1>; rel="next"', f'<?page=2>; rel="next", <{place}>; rel="first"', ""]
        signatures = self.pages(stub, subject, *links)
        listed = referrers(client, "team/app", subject.digest).manifests
        assert [entry.digest for entry in listed] == [signature.digest for signature in signatures]

    @pytest.mark.parametrize(
        ("link", "reason"),
        [("<?page=0>", "form a circle"), ("<http://other.example/v2/>", "continues at another host")],
    )
    def test_a_list_that_leads_astray(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest, link: str, reason: str
    ) -> None:
        self.pages(stub, subject, f"{link}; rel=next")
        with pytest.raises(RegistryError, match=reason):
            referrers(client, "team/app", subject.digest)

    def test_an_answer_of_another_kind_is_none(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest
    ) -> None:
        self.put(client, self.signature(subject))
        page = Answer(200, b"<html></html>", {"Content-Type": "text/html"})
        stub.hook = lambda asked: page if "/referrers/" in asked.path else None
        [entry] = referrers(client, "team/app", subject.digest).manifests
        assert entry.digest == self.signature(subject).digest

    def test_without_subject_nothing_is_asked(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest
    ) -> None:
        answer = client.put_manifest("team/app", "v1", subject)
        before = len(stub.requests)
        keep_referrer(client, "team/app", subject, answer)
        assert len(stub.requests) == before

    def test_against_a_real_registry(self, registry: peers.Registry, repository: str, options: RegistryOptions) -> None:
        image = small_image("x")
        name = f"docker://{registry.host}/{repository}"
        subject = write_image(image, f"{name}:v1", registry=options)
        client = RegistryClient(registry.url, options)
        signature = self.signature(subject)
        destination = RegistryDestination(client, repository, None, signature.digest)
        destination.put_blob(Blob.from_bytes(b"{}", signature.config.media_type), Tally())
        destination.put_manifest(signature, root=True)
        destination.commit()
        assert [entry.digest for entry in referrers(client, repository, subject.digest).manifests] == [signature.digest]

    def test_two_writers_at_once_lose_nothing(
        self, registry: peers.Registry, repository: str, options: RegistryOptions
    ) -> None:
        subject = write_image(small_image("x"), f"docker://{registry.host}/{repository}:v1", registry=options)
        signatures = [self.signature(subject, number) for number in range(6)]

        def attach(some: Sequence[Manifest]) -> None:
            client = RegistryClient(registry.url, options)
            for signature in some:
                self.put(client, signature, repository)

        in_parallel([partial(attach, signatures[:3]), partial(attach, signatures[3:])], 2)
        listed = referrers(RegistryClient(registry.url, options), repository, subject.digest).manifests
        assert {entry.digest for entry in listed} == {signature.digest for signature in signatures}

    def test_an_entry_that_another_writer_overwrote(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest
    ) -> None:
        other = self.signature(subject, 2)
        theirs = Index.new(ImageFormat.OCI, [other.descriptor])
        overwritten = False

        def overwrite(asked: Asked) -> Answer | None:
            nonlocal overwritten
            asks = asked.method == "GET" and referrers_tag(subject.digest) in asked.path
            if not asks or overwritten or ("team/app", referrers_tag(subject.digest)) not in stub.manifests:
                return None
            # The other writer read the list before ours was there.
            overwritten = True
            return Answer(200, theirs.raw, {"Content-Type": theirs.media_type})

        stub.hook = overwrite
        signature = self.signature(subject, 1)
        self.put(client, signature)
        stub.hook = lambda asked: None
        listed = referrers(client, "team/app", subject.digest).manifests
        assert {entry.digest for entry in listed} == {signature.digest, other.digest}

    def test_others_overwrite_the_list_for_ever(
        self, client: RegistryClient, stub: StubRegistry, subject: Manifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("python_docker.registry.referrers._SETTLING", 0.0001)
        empty = Index.new(ImageFormat.OCI, [])

        def overwrite(asked: Asked) -> Answer | None:
            if asked.method == "GET" and referrers_tag(subject.digest) in asked.path:
                return Answer(200, empty.raw, {"Content-Type": empty.media_type})
            return None

        stub.hook = overwrite
        with pytest.raises(RegistryError, match="others overwrote the list"):
            self.put(client, self.signature(subject))
