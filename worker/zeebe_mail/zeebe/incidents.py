"""Which incident a job has: the gateway does not tell, the cluster's REST API does (v2, since 8.8)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIMIT_S = 10.0


async def open_incident(
    rest_address: str, job_key: int, *, headers: Mapping[str, str], ca_file: Path | None = None
) -> int | None:
    """The open incident of a job; None where there is none, or the cluster cannot say (it keeps no secondary storage).

    Raises:
        OSError: the API cannot be reached, or does not let us in.
    """
    import ssl

    import httpx

    question = {"filter": {"jobKey": str(job_key), "state": "ACTIVE"}}
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    try:
        async with httpx.AsyncClient(verify=verify, timeout=LIMIT_S) as client:
            url = f"{rest_address.rstrip('/')}/v2/incidents/search"
            answer = await client.post(url, json=question, headers=dict(headers))
            if answer.status_code in (401, 403):
                raise OSError(f"{rest_address} does not let the worker look for incidents ({answer.status_code})")
            found = answer.json().get("items", []) if answer.is_success else []
            return int(found[0]["incidentKey"]) if found else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise OSError(f"{rest_address} cannot be asked for incidents: {error}") from error
