"""The HTTP client that registries and channels share: proxies, retries, resumed downloads, failures as values."""
