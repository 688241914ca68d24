"""Connections to servers, straight and through proxies: with TLS, and with heads that are bounded."""
