"""Channels are talked to as conda's configuration says, else as the environment does."""

from __future__ import annotations

from pathlib import Path

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.channels.http_options import http_options
from python_docker.http.connections.proxy import proxy_for


def test_certificates_of_the_configuration_come_first() -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/requests.pem", "CURL_CA_BUNDLE": "/curl.pem"}
    assert http_options(CondaConfiguration(ssl_verify="/conda.pem"), environ).ca_bundle == Path("/conda.pem")
    assert http_options(CondaConfiguration(ssl_verify=True), environ).ca_bundle == "/requests.pem"
    assert http_options(CondaConfiguration(), {"CURL_CA_BUNDLE": "/curl.pem"}).ca_bundle == "/curl.pem"
    assert http_options(CondaConfiguration(ssl_verify="truststore"), {}).ca_bundle is None


def test_certificates_are_verified_unless_the_configuration_says_otherwise() -> None:
    assert not http_options(CondaConfiguration(), {}).insecure
    assert http_options(CondaConfiguration(ssl_verify=False), {}).insecure


def test_proxies_of_the_configuration_come_first() -> None:
    configuration = CondaConfiguration(proxy_servers={"https": "http://proxy.example.org:3128"})
    environ = http_options(configuration, {"HTTPS_PROXY": "http://other:1", "http_proxy": "http://plain:1"}).environ
    assert proxy_for("https://conda.example.org/a", environ) == "http://proxy.example.org:3128"
    assert proxy_for("http://conda.example.org/a", environ) == "http://plain:1"
