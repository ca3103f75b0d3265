"""Which certificates a client of TLS takes."""

import ssl

TOO_STRICT = ssl.VERIFY_X509_STRICT
"""What Python asks of a chain since 3.13: extensions that the authority of many a cluster lacks, such as EKS's."""


def client_context(authorities: str | None = None) -> ssl.SSLContext:
    """Return Python's default context, without that: who signed, for whom and until when is checked as ever.

    Args:
        authorities: a file of those to trust; without one they are the system's, or the environment's.
    """
    context = ssl.create_default_context(cafile=authorities)
    context.verify_flags &= ~TOO_STRICT
    return context
