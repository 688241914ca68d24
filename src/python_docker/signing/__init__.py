"""Signatures of images: Sigstore bundles and cosign's older signatures, made and verified with keys or identities."""
