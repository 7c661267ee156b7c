"""A throw-away certificate authority: for the demo's mail server, and for every good and bad certificate of a test."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK_NAMES = ("localhost", "mail.test", "127.0.0.1")
LIFETIME = timedelta(days=20)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Certificate:
    """Two PEM files: the certificate followed by its authority's, and the private key (mode 0600)."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority that lives in one directory; `ca_file` is what a client must trust."""

    def __init__(self, directory: Path, name: str = "zeebe-mail throw-away CA") -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _self_signed(self._key, _name(name))
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file.write_bytes(_pem(self._certificate))

    def issue(
        self,
        name: str = "server",
        *,
        hosts: Sequence[str] = LOOPBACK_NAMES,
        valid_for: timedelta = LIFETIME,
        valid_from: timedelta = timedelta(hours=-1),
        for_client: bool = False,
        rsa_bits: int | None = None,
    ) -> Certificate:
        """Write `<name>.pem` and `<name>.key` into the authority's directory.

        Args:
            name: File name, and the subject's common name (a client certificate's user).
            hosts: DNS names and IP addresses; give others than the server's for a wrong-host certificate.
            valid_for: Counted from now; negative for an expired certificate (with an earlier `valid_from`).
            valid_from: Counted from now; positive for one that is not valid yet.
            rsa_bits: An RSA key of this size instead of an elliptic-curve one.
        """
        key: PrivateKey
        key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if for_client else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            _builder(_name(name), self._certificate.subject, key, now + valid_from, now + valid_for)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True, key_encipherment=rsa_bits is not None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
            .add_extension(_issuer_id(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return self._write(name, _pem(certificate) + _pem(self._certificate), key)

    def issue_self_signed(self, name: str = "self-signed") -> Certificate:
        """A certificate for the loopback names that nobody vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, _pem(_self_signed(key, _name("localhost"), LOOPBACK_NAMES)), key)

    def _write(self, name: str, chain: bytes, key: PrivateKey) -> Certificate:
        written = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        written.chain.write_bytes(chain)
        written.key.touch(mode=0o600)
        written.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return written


def _self_signed(key: ec.EllipticCurvePrivateKey, name: x509.Name, hosts: Sequence[str] = ()) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        _builder(name, name, key, now - timedelta(hours=1), now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _issuer_id(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
