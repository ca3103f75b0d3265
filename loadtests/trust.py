"""Which certificates are trusted at BASE_URL: those that k6, which gets the same environment, trusts."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from loadtests.errors import LoadTestError

INSECURE = "K6_INSECURE_SKIP_TLS_VERIFY"
CA_FILE = "SSL_CERT_FILE"
REMEDY = f"set {CA_FILE} to the PEM file of the authority that signed it, or {INSECURE}=true to take any certificate"
# As Go's strconv.ParseBool has them, with which k6 reads the variable.
_YES = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_NO = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Make the TLS settings of a client: OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR of this process.

    Raises:
        LoadTestError: a variable has a value that means nothing.
    """
    insecure, file = environment.get(INSECURE, ""), environment.get(CA_FILE, "")
    if insecure not in _YES | _NO:
        raise LoadTestError(f"{INSECURE} is {insecure!r}: set it to true or false")
    if file and not Path(file).is_file():
        raise LoadTestError(f"{CA_FILE} is {file!r}, which is no file: name the authority's certificate, or unset it")
    context = ssl.create_default_context()
    if insecure in _YES:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explain(error: ssl.SSLError, base_url: str) -> str:
    """Say what a failed handshake means, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {base_url} is not trusted ({error.verify_message}): {REMEDY}"
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return f"what listens at {base_url} speaks no TLS: give it as http://"
    return f"no TLS connection to {base_url} ({error.reason or error})"
