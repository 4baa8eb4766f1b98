"""A project's own functions for `do: [py: module.function]`: the way out of the closed list of operations.

Only functions that project.yaml lists can be used, so that a reviewer sees at one place which code of the project's own
takes part. A function gets and gives a pandas Series of texts; its source is part of the mapping's checksum.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from etl.core.records import JsonValue
from etl.core.suggest import did_you_mean
from etl.mapping.failures import place_of, silenced
from etl.mapping.operations import BoundOperation, OperationMistake, ValueType


@dataclass(frozen=True, slots=True)
class ProjectFunctions:
    """The functions that a project registers, as ``module.function`` of modules beside its project.yaml."""

    folder: Path
    registered: tuple[str, ...] = ()
    _modules: dict[str, ModuleType] = field(default_factory=dict, compare=False, repr=False)

    def bind(self, argument: JsonValue) -> BoundOperation:
        """The operation that runs a registered function. Raises OperationMistake; runs the module's code."""
        if not isinstance(argument, str) or argument.count(".") != 1:
            raise OperationMistake("`py` names no function.", "Write `py: module.function`.")
        if argument not in self.registered:
            hint = did_you_mean(argument, self.registered) or "List it under `functions:` in project.yaml."
            raise OperationMistake(f"`{argument}` is not registered.", hint)
        module, _, name = argument.partition(".")
        function = getattr(self._module(module), name, None)
        if not callable(function):
            raise OperationMistake(f"`{module}.py` has no function `{name}`.", "Write it, or correct the name.")
        from etl.mapping.function_calls import runner  # noqa: PLC0415 - pandas is heavy, and few projects need it

        bound: JsonValue = {"function": argument, "sha256": self._digest(module)}
        return BoundOperation("py", bound, ValueType.TEXT, ValueType.TEXT, runner(argument, function), alone=True)

    def _module(self, name: str) -> ModuleType:
        if name not in self._modules:
            self._modules[name] = self._loaded(name)
        return self._modules[name]

    def _loaded(self, name: str) -> ModuleType:
        path = self.folder / f"{name}.py"
        made = importlib.util.spec_from_file_location(f"casebook_etl_project_{name}", path)
        if not path.is_file() or made is None or made.loader is None:
            raise OperationMistake(f"There is no file `{name}.py` in the project.", "Create it beside project.yaml.")
        module = importlib.util.module_from_spec(made)
        try:
            with silenced(f"{name}.py", set()):
                made.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - own code may raise anything, and it is theirs to mend
            raise OperationMistake(
                f"`{name}.py` cannot be loaded: {place_of(error, path)}.", "Correct the file."
            ) from None
        return module

    def _digest(self, module: str) -> str:
        return hashlib.sha256((self.folder / f"{module}.py").read_bytes()).hexdigest()


def functions_in(operations: Iterable[BoundOperation]) -> list[str]:
    """The project's own functions among some operations, each with the beginning of its file's hash."""
    arguments = (each.argument for each in operations if each.name == "py")
    return [f"{each['function']} ({str(each['sha256'])[:12]})" for each in arguments if isinstance(each, dict)]
