"""Proxies of conda's configuration are used, or it is said why not."""

from __future__ import annotations

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.proxies import checked_proxies
from conda_docker.errors import InvalidEnvironment


def test_proxies_are_used_as_they_are() -> None:
    named = {"http": "proxy:3128", "https": "http://me:s3cret@[::1]:3128"}
    assert checked_proxies(CondaConfiguration(proxy_servers=named)) == named


@pytest.mark.parametrize(
    "url", ["http://me:s3cret@host:x", "me:s3cret@host:99999", "http://", "me:s3cret@", "http://[::1"]
)
def test_what_is_not_a_proxy(url: str) -> None:
    with pytest.raises(
        InvalidEnvironment, match="proxy_servers of the conda configuration names no proxy for https"
    ) as caught:
        checked_proxies(CondaConfiguration(proxy_servers={"https": url}))
    assert "s3cret" not in str(caught.value)


def test_a_proxy_for_one_host_is_passed_over_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    configuration = CondaConfiguration(proxy_servers={"https://conda.example.org": "http://me:s3cret@proxy:3128"})
    assert checked_proxies(configuration) == {}
    assert "the proxy for https://conda.example.org in proxy_servers" in caplog.text
    assert "s3cret" not in caplog.text
