"""The keys and certificates of one API server, made anew for every data folder.

A certificate authority, the server's certificate for loopback, a client in the
group ``system:masters``, and the RSA pair that signs service account tokens.
They stay with the data: tokens in it are signed by that pair, and kubeconfigs
name that authority.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)
_LIFE = 3650 * _DAY  # as long as anybody may keep a data folder
_LAST = "service-account.pub"


class Certificates:
    """A folder with ``ca``, ``server`` and ``client`` pairs and the service account keys."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        if not self.path(_LAST).exists():
            self._make()

    def path(self, name: str) -> Path:
        """Return the path of one file, such as ``server.crt``."""
        return self.folder / name

    def client_context(self) -> ssl.SSLContext:
        """Return what a client needs: trust in this authority alone, and the administrator's certificate."""
        context = ssl.create_default_context(cafile=str(self.path("ca.crt")))
        context.load_cert_chain(self.path("client.crt"), self.path("client.key"))
        return context

    def _make(self) -> None:
        self._ca_key = ec.generate_private_key(ec.SECP256R1())
        self._ca_name = _name("test bed")
        self._write("ca", self._ca_key, self._authority())
        self._write_leaf("server", _name("kube-apiserver"))
        self._write_leaf("client", _name("test", "system:masters"))
        self._write_service_account()

    def _authority(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            self._builder(self._ca_name, self._ca_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._ca_key, hashes.SHA256())
        )

    def _write_leaf(self, stem: str, subject: x509.Name) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            self._builder(subject, key)
            .add_extension(purposes, critical=False)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .sign(self._ca_key, hashes.SHA256())
        )
        self._write(stem, key, certificate)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _LIFE)
        )

    def _write(self, stem: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.path(f"{stem}.key").write_bytes(_pem(key))
        self.path(f"{stem}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _write_service_account(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.path("service-account.key").write_bytes(_pem(key))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.path(_LAST).write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, form),
        )


def _name(common: str, organization: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
