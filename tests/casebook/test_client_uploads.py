"""Uploads as callers of the client meet them: which hosts are asked, what they are told, what is repeated."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable

import httpx
import pytest

from etl.casebook.client import CasebookClient
from etl.core.errors import (
    RecordRejected,
    TargetRefused,
)
from tests.casebook.conftest import Tenant, created, person, replies, run


def put(url: str) -> Callable[[CasebookClient], Awaitable[None]]:
    return lambda client: client.upload(url, io.BytesIO(b"bytes"), 5)


def test_the_upload_host_never_sees_the_token() -> None:
    tenant = Tenant(created, profile={"upload_hosts": ("*.files.example",)})

    async def body(client: CasebookClient) -> None:
        await client.create(person())
        await client.upload("https://a.files.example/k%2F1?X-Sig=a%2Fb", io.BytesIO(b"bytes"), 5)

    run(tenant, body)
    (request,) = tenant.uploaded
    assert "authorization" not in request.headers
    assert str(request.url) == "https://a.files.example/k%2F1?X-Sig=a%2Fb"
    assert request.content == b"bytes"


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/x",
        "https://files.example:8443/x",
        "https://user@files.example/x",
        "https://user:pw@files.example/x",
        "https://files.example@evil.example/x",
        "https://evil.example/files.example",
        "https://files.example.evil.example/x",
        "https://xfiles.example/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "http://localhost/x",
        "ftp://files.example/x",
        "file:///etc/passwd",
        "//files.example/x",
        "https:///x",
        "",
        "https://[",
        "https://files.example:port/x",
    ],
)
def test_an_upload_address_that_is_not_allowed_is_never_opened(url: str) -> None:
    tenant = Tenant(created, profile={"upload_hosts": ("files.example", "10.0.0.1")})
    with pytest.raises(TargetRefused) as caught:
        run(tenant, put(url))
    assert tenant.uploaded == []
    assert url == "" or url not in str(caught.value)


def test_an_upload_is_repeated_after_a_lost_answer_and_refused_once_expired() -> None:
    lost = Tenant(created, upload=replies(httpx.ReadError("x"), httpx.Response(503), httpx.Response(200)))
    lost.profile["upload_hosts"] = ("files.example",)
    run(lost, put("https://files.example/x"))
    assert len(lost.uploaded) == 3
    expired = Tenant(
        created, upload=lambda _: httpx.Response(403, text="<Error/>"), profile={"upload_hosts": ("files.example",)}
    )
    with pytest.raises(RecordRejected) as caught:
        run(expired, put("https://files.example/x"))
    assert caught.value.status == 403


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_that_changed_its_size_is_not_uploaded(size: int) -> None:
    tenant = Tenant(created, profile={"upload_hosts": ("files.example",)})
    with pytest.raises(RecordRejected):
        run(tenant, lambda client: client.upload("https://files.example/x", io.BytesIO(b"bytes"), size))
    assert tenant.uploaded == []
