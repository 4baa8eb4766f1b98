"""How a sandbox is set up: its file, its tenant, its applications, and how badly it behaves.

Everything is a value handed in; the sandbox reads no environment and no file but its own database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from etl.catalog.model import Catalog
from etl.core.errors import SettingsError
from etl.sandbox.faults import FaultRule

OPERATIONS = ("create", "list", "get", "update", "delete")
VIEWS = ("all", "limited", "assigned")
_ALL_ROLES: Mapping[str, tuple[str, ...]] = {"*": OPERATIONS}
_HINT = (
    "Write applications: a list of {client_id, client_secret, name, roles: {entity or *: [operations]}, view, user}."
)


@dataclass(frozen=True, slots=True)
class Application:
    """A registered incoming application. ``roles`` lists the operations by entity, ``*`` standing for the rest.

    ``view`` hides rows instead of refusing them: ``all`` hides none; ``limited`` shows what the application made itself;
    ``assigned`` shows only those units of work that are assigned to ``user`` (an option id of the listed users).
    """

    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox", repr=False)
    name: str = "Sandbox loader"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _ALL_ROLES)
    view: str = "all"
    user: str = ""

    def may(self, operation: str, entity: str) -> bool:
        """Whether its roles allow this."""
        return operation in self.roles.get(entity, self.roles.get("*", ()))


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Everything that makes one sandbox. ``db`` is a path or ``:memory:``.

    ``commas_mean_or``: a comma in a filter separates alternatives, as in the framework Casebook's service is built on.
    ``custom_fields_replace``: a PATCH with some custom fields drops the others. ``strict_crnk``: values of a wrong type
    are answered with 500. ``cascade_deletes``: children go with their parent instead of holding it. Filters on the
    attributes or links in ``unfilterable`` are refused, those in ``ignored_filters`` have no effect; ``*`` stands for
    all. ``ignore_sort``: lists come in the order of creation whatever is asked for.
    """

    catalog: Catalog
    db: str = ":memory:"
    applications: tuple[Application, ...] = (Application(),)
    faults: tuple[FaultRule, ...] = ()
    seed: int = 0
    latency_s: float = 0.0
    requests_per_s: float | None = None
    token_ttl_s: int = 3600
    upload_ttl_s: int = 900
    visibility_lag_s: float = 0.0
    page_max: int = 200
    strict_crnk: bool = False
    accept_client_ids: bool = False
    custom_fields_replace: bool = False
    cascade_deletes: bool = False
    commas_mean_or: bool = True
    unfilterable: tuple[str, ...] = ()
    ignored_filters: tuple[str, ...] = ()
    ignore_sort: bool = False


def read_applications(path: Path) -> tuple[Application, ...]:
    """Return the ``applications`` of a YAML file; empty where it has none. Raises SettingsError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"The tenant file {path} cannot be read as YAML.", hint="Check the path and the file."
        ) from error
    listed = document.get("applications", []) if isinstance(document, dict) else []
    if not isinstance(listed, list):
        raise SettingsError(f"{path}: applications is not a list.", hint=_HINT)
    return tuple(_application(path, place, item) for place, item in enumerate(listed, start=1))


def _application(path: Path, place: int, item: object) -> Application:
    known = set(Application.__dataclass_fields__)
    if not isinstance(item, dict) or not set(item) <= known or not {"client_id", "client_secret"} <= set(item):
        raise SettingsError(f"{path}: application {place} has unknown or missing keys.", hint=_HINT)
    roles = item.get("roles", _ALL_ROLES)
    if item.get("view", "all") not in VIEWS or not _are_roles(roles):
        raise SettingsError(f"{path}: application {place} has a wrong view or wrong roles.", hint=_HINT)
    texts = {name: str(value) for name, value in item.items() if name != "roles"}
    return Application(**texts, roles={entity: tuple(operations) for entity, operations in roles.items()})


def _are_roles(roles: object) -> bool:
    return isinstance(roles, dict) and all(
        isinstance(operations, list | tuple) and set(operations) <= set(OPERATIONS) for operations in roles.values()
    )
