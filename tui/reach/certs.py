"""What a shop's certificate says, and why it is not to be trusted."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from tui.model.reach import Certificate
from tui.model.text import one_line

# X509_V_ERR_* of OpenSSL's x509_vfy.h, as SSLCertVerificationError.verify_code gives them.
_FAULTS = {9: "not-yet", 10: "expired", 18: "self-signed", 62: "name", 63: "name", 64: "name"}


def fault_of(error: ssl.SSLCertVerificationError) -> str:
    """One of ``expired not-yet name untrusted self-signed``."""
    return _FAULTS.get(error.verify_code, "untrusted")


@functools.lru_cache(maxsize=2048)
def read(der: bytes, fault: str = "") -> Certificate | None:
    """The facts of a DER certificate; None when it cannot be read. Cached: a shop shows the same one at every check."""
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=_name(found.subject),
            issuer=_name(found.issuer),
            starts=found.not_valid_before_utc.timestamp(),
            ends=found.not_valid_after_utc.timestamp(),
            names=_names(found),
            fault=fault,
            sha256=found.fingerprint(hashes.SHA256()).hex(),
        )
    except (ValueError, TypeError, OverflowError):  # what cryptography raises for malformed fields
        return None


def _name(name: x509.Name) -> str:
    """The common name, else the organisation, else the whole name."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return one_line(str(found[0].value))
    return one_line(name.rfc4514_string())


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    return tuple(one_line(str(entry.value)) for entry in list(alternatives)[:100] if isinstance(entry, x509.DNSName | x509.IPAddress))


class Contexts:
    """One SSL context per CA file, made once: loading the system's bundle takes some 45 ms of CPU."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], ssl.SSLContext] = {}
        self._blind: ssl.SSLContext | None = None

    def checking(self, ca: str | None) -> ssl.SSLContext:
        """The context that verifies against ``ca`` (the system's authorities when None). A changed file is read again.
        Raises OSError or ssl.SSLError when the file cannot be used."""
        key = (ca or "", Path(ca).stat().st_mtime_ns if ca else 0)
        if (made := self._made.get(key)) is None:
            made = ssl.create_default_context(cafile=ca)
            # Python 3.13 turned this on; no browser refuses a shop for it.
            made.verify_flags &= ~ssl.VERIFY_X509_STRICT
            made.set_alpn_protocols(["http/1.1"])
            self._made[key] = made
        return made

    def blind(self) -> ssl.SSLContext:
        """The context that verifies nothing, only to read a certificate that did not verify. No request is ever sent over it."""
        if self._blind is None:
            self._blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._blind.check_hostname = False
            self._blind.verify_mode = ssl.CERT_NONE
        return self._blind
