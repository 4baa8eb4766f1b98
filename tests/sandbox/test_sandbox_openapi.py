"""The generated OpenAPI document, held against the server that it describes."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from etl.catalog.loader import load_catalog
from etl.sandbox import SandboxSettings, running
from etl.sandbox.openapi import openapi_document
from etl.sandbox.schema import compile_schema

CATALOG = load_catalog("sandbox")
SERVED = "^/(people/people|cases/case_people|attachments/attachments|people/genders|memberships)"
DOCUMENT = schemathesis.openapi.from_dict(openapi_document(compile_schema(CATALOG))).include(path_regex=SERVED)
CHECKS = [response_schema_conformance, content_type_conformance, status_code_conformance]
FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server():
    with running(SandboxSettings(catalog=CATALOG)) as handle:
        credentials = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}
        token = httpx.post(handle.token_url, data=credentials).json()["access_token"]
        yield {"base_url": handle.base_url, "headers": {"Authorization": f"Bearer {token}"}}


@DOCUMENT.parametrize()
@FEW
def test_every_answer_is_one_that_the_document_describes(case, server):
    response = case.call(**server)
    assert response.status_code < 500
    case.validate_response(response, checks=CHECKS)


def test_every_path_and_operation_of_the_tenant_is_described(sandbox):
    paths = sandbox.raw("GET", "/openapi.json").json()["paths"]
    methods = {"create": "post", "list": "get", "get": "get", "update": "patch", "delete": "delete"}
    for entity in CATALOG.entities.values():
        for operation in entity.operations if entity.path else ():
            path = entity.path if operation in ("create", "list") else entity.path + "/{id}"
            assert methods[operation] in paths[path]
