"""Certificates for a server on 127.0.0.1, good and bad ones, made anew by ``openssl``; nothing of them is kept."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIG = """\
[ca]
default_ca = here
[here]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = any_name
[any_name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
subjectAltName = {name}
"""
LONG_AGO, LATELY, ONE_DAY = "20200101000000Z", "20210101000000Z", "20991231000000Z"


@dataclass(frozen=True, slots=True)
class Authority:
    """A folder with an authority of one's own, which ``trusting`` contexts accept."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Authority:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed: no certificate can be made")
        (folder / "index.txt").touch()
        authority = cls(folder)
        authority._request("authority")
        authority._sign("authority", "IP:127.0.0.1", LONG_AGO, ONE_DAY, "-selfsign", section="authority")
        return authority

    def trusting(self) -> ssl.SSLContext:
        """What a client is given instead of the public authorities."""
        return ssl.create_default_context(cafile=str(self.folder / "authority.pem"))

    def server(self, kind: str) -> ssl.SSLContext:
        """A server with a certificate that is ``good``, ``expired``, of a ``wrong name``, or ``self-signed``."""
        name = "DNS:elsewhere.example" if kind == "wrong name" else "IP:127.0.0.1"
        end = LATELY if kind == "expired" else ONE_DAY
        self._request("server")
        self._sign("server", name, LONG_AGO, end, *(("-selfsign",) if kind == "self-signed" else ()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context

    def _request(self, name: str) -> None:
        (self.folder / "config").write_text(CONFIG.format(name="IP:127.0.0.1"))
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "config", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip

    def _sign(self, of: str, name: str, start: str, end: str, *more: str, section: str = "server") -> None:
        (self.folder / "config").write_text(CONFIG.format(name=name))
        key = f"{of}.key" if more else "authority.key"
        by = () if more else ("-cert", "authority.pem")
        self._openssl("ca", "-batch", "-notext", "-config", "config", "-extensions", section, "-keyfile", key, *by,
                      "-startdate", start, "-enddate", end, "-in", f"{of}.csr", "-out", f"{of}.pem", *more)  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - a fixed program
            ["openssl", *arguments],  # noqa: S607 - found on the path, as anybody's is
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
