"""The HTTP client that registries and channels share: proxies, retries, failures."""
