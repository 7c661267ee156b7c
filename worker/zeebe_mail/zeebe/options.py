"""How to reach and use a Zeebe cluster; plain values, filled in by the application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OAuthOptions:
    """OAuth 2.0 client credentials (RFC 6749, 4.4) for Camunda SaaS, or for Identity with Keycloak or Entra."""

    token_url: str
    client_id: str
    client_secret: str
    audience: str | None = None
    scope: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """One gateway. With ``tls`` the server's certificate is verified; a client certificate makes it mutual."""

    address: str = "localhost:26500"
    tls: bool = False
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    override_authority: str | None = None
    oauth: OAuthOptions | None = None


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How jobs are taken. The same name, job timeout and variables on all replicas make them share one stream."""

    name: str = "zeebe-mail"
    max_jobs: int = 100
    job_timeout: timedelta = timedelta(seconds=60)
    streaming: bool = True
    tenant_ids: Sequence[str] = ()
    shutdown_grace: timedelta = timedelta(seconds=25)
