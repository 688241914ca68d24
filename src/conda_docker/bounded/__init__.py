"""Calls in processes of their own, which may take so much memory and disk and no more."""
