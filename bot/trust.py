"""Whom we trust when we call others."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """The usual certificate authorities, read once: each client would read them again, for 20 ms."""
    return httpx.create_ssl_context(trust_env=False)
