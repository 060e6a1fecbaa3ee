"""Classes that text can call by name, to which users add theirs, and the modules they come from."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from gneg import checks

Part = TypeVar("Part", bound="type[Any]")

_PACKAGE = str(Path(__file__).parent)
_PREFIX = "gneg_import_"  # of the names of modules that are imported as files
_MAIN = ("__main__", "__mp_main__")
_registries: list[Registry[Any]] = []
_digests: dict[Path, str] = {}  # of the content of the files that were imported


@dataclass(frozen=True)
class Origin:
    """The module that registers a class.

    Attributes:
        module: The name of the module.
        source: What imports it: the name of a module or the path of a file; None: a notebook or an
            interactive session, from which nothing can be imported.
        sha256: The hash of its file or, in a script that was run, of the class; None: unknown.
    """

    module: str
    source: str | None
    sha256: str | None


class Registry(dict[str, Part]):
    """Classes by name.

    Args:
        kind: What the classes are, for errors: ``"sampler"``.
        classes: The classes that come with gneg.
    """

    def __init__(self, kind: str, classes: Mapping[str, Part]) -> None:
        super().__init__(classes)
        self.kind, self._builtin = kind, frozenset(classes)
        self.origins: dict[str, Origin] = {}
        _registries.append(self)

    def add(
        self, name: str, part: Any, hooks: Mapping[type, str], taken: Iterable[str] = ()
    ) -> None:
        """Add a class under a name; the same class may be added again, as notebooks do.

        Args:
            name: The name, as :func:`check_name` returns it.
            part: The class.
            hooks: The base classes that are allowed, each with the method that it asks for.
            taken: Names that mean something else where this one is used.

        Raises:
            ValueError: If the name is taken, or the class lacks the base or the method.
        """
        bases = [base for base in hooks if inspect.isclass(part) and issubclass(part, base)]
        if not bases:
            allowed = " or ".join(base.__name__ for base in hooks)
            checks.fail(name, f"a class derived from {allowed}", checks.shown(part))
        hook = hooks[bases[0]]
        if getattr(part, hook, None) is getattr(bases[0], hook, None):
            checks.fail(name, f"a class with a method {hook}", f"{part.__name__} without")
        owner = self.get(name)
        if owner is not None and not _same(owner, part):
            owner_text = f"{name!r}, which is {owner.__module__}.{owner.__qualname__}"
            checks.fail("name", f"one that no other {self.kind} has", owner_text)
        if owner is None and name in taken:
            checks.fail("name", f"one that means nothing else for a {self.kind}", repr(name))
        self[name] = part
        self.origins[name] = _origin_of(part, _caller())

    def registered(self) -> dict[str, Part]:
        """Return the classes that users added, by name."""
        return {name: part for name, part in self.items() if name not in self._builtin}


def check_name(name: object) -> str:
    """Return a name to register something by.

    Raises:
        ValueError: If it is no identifier in lower case: names are read in any case.
    """
    hint = "write @register('name')" if isinstance(name, type) else ""
    if not (isinstance(name, str) and name.isidentifier() and name.isascii() and name.islower()):
        allowed = "an identifier in lower case, such as 'mine'"
        checks.fail("name", allowed, checks.shown(name), hint=hint)
    return name


def first_required(cls: type, accepted: Iterable[str] = ()) -> str | None:
    """Return the first argument of a constructor without a default, but for some; None: none."""
    for argument in inspect.signature(cls).parameters.values():
        variadic = argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        if argument.default is argument.empty and not variadic and argument.name not in accepted:
            return argument.name
    return None


def is_builtin(part: type) -> bool:
    """Return whether a class comes with gneg."""
    return part.__module__.split(".")[0] == "gneg"


def _same(first: type, second: type) -> bool:
    """Return whether two classes are one, whose module ran twice, perhaps under two names."""
    if first.__qualname__ != second.__qualname__:
        return False
    files = [
        getattr(sys.modules.get(part.__module__), "__file__", None) for part in (first, second)
    ]
    return first.__module__ == second.__module__ or (files[0] is not None and files[0] == files[1])


def _caller() -> str:
    """Return the name of the module that called gneg."""
    frame = inspect.currentframe()
    name = "gneg"
    while frame is not None and name.split(".")[0] == "gneg":
        name = str(frame.f_globals.get("__name__", ""))  # code that is executed may have none
        frame = frame.f_back
    return name


def _origin_of(part: type, module: str) -> Origin:
    """Return where a class comes from that a module registers now: its file may change later."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if module in _MAIN:  # of a script, which does more than this, only the class itself counts
        try:
            code = inspect.getsource(part).encode()
        except (OSError, TypeError):
            code = None
    else:
        code = None if file is None or not Path(file).is_file() else Path(file).read_bytes()
    digest = None if code is None else hashlib.sha256(code).hexdigest()
    if module in _MAIN or module.startswith(_PREFIX):
        return Origin(module, None if file is None else str(Path(file).absolute()), digest)
    return Origin(module, module if module in sys.modules else None, digest)


def every() -> list[Registry[Any]]:
    """Return all registries."""
    return list(_registries)


def of_kind(kind: str) -> Registry[Any] | None:
    """Return the registry of a kind of classes; None: there is no such kind."""
    return next((registry for registry in _registries if registry.kind == kind), None)


def sources() -> list[str]:
    """Return what another process imports to have all classes that users added to this one.

    What the main script registers is left out: a new process runs that by itself.

    Raises:
        ValueError: If one of them was made in a notebook, where another process cannot get it.
    """
    wanted: dict[str, None] = {}
    for registry in _registries:
        for name in registry.registered():
            origin = registry.origins[name]
            if origin.source is None:
                allowed = f"1 with a {registry.kind} that was registered in a notebook, {name!r}"
                checks.fail("jobs", allowed, "more", hint="write its class to a file to import")
            if origin.module not in _MAIN:
                wanted[origin.source] = None
    return list(wanted)


def load(source: str) -> None:
    """Import a module or a file, which registers its classes as it runs.

    Args:
        source: The path of a Python file, or the name of a module, which may stand in the current
            folder. A file that was imported is not run again, unless it has changed.

    Raises:
        ValueError: If there is none, or it raises an error: names the file and its line.
    """
    if source.endswith(".py") or os.sep in source:
        load_file(source)
        return
    if not all(part.isidentifier() for part in source.split(".")):
        checks.fail("import", "a Python file or the name of a module", repr(source))
    _search_in(Path.cwd())
    with _errors_of(source):
        importlib.import_module(source)


def load_file(source: str | Path, name: str = "import") -> ModuleType:
    """Import a Python file and return its module.

    Args:
        source: The path of the file.
        name: The name of the argument that it came as, for errors.

    Raises:
        ValueError: If there is none, or it raises an error: names the file and its line.
    """
    path = Path(source).expanduser().absolute()
    if path.suffix != ".py" or not path.is_file():
        checks.fail(name, "an existing Python file", str(source))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stem = re.sub(r"\W", "_", path.stem)
    module_name = f"{_PREFIX}{stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if _digests.get(path) == digest and module_name in sys.modules:
        return sys.modules[module_name]
    _search_in(path.parent)
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # where dataclasses and pickles look
    with _errors_of(str(source), name, path):
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[module_name]
            raise
    _digests[path] = digest
    return module


def _search_in(folder: Path) -> None:
    """Let modules of a folder be imported, after all others."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@contextmanager
def _errors_of(source: str, name: str = "import", path: Path | None = None) -> Iterator[None]:
    """Turn every error of a user's module, which may be any, into one line with its place."""
    try:
        yield
    except ModuleNotFoundError as error:
        if path is None and source.startswith(str(error.name)):
            hint = "of a file, give the path, with .py"
            checks.fail(name, "a module that can be imported", repr(source), hint=hint)
        _fail(source, name, path, error)
    except (Exception, SystemExit) as error:
        _fail(source, name, path, error)


def _fail(source: str, name: str, path: Path | None, error: BaseException) -> NoReturn:
    """Raise the error of a module with the last place of the user's in its traceback."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        place, text = f"{error.filename}, line {error.lineno}", error.msg
    else:
        frames = [
            (frame.filename, frame.lineno)
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith(("<", _PACKAGE))
            and Path(frame.filename).parent.name != "importlib"
        ]
        inside = [frame for frame in frames if path is not None and Path(frame[0]) == path]
        file, line = (inside or frames or [(source, 0)])[-1]
        place, text = f"{file}, line {line}", str(error)
    reason = " ".join(text.split())[:300]
    message = f"{place}: {type(error).__name__}{': ' if reason else ''}{reason}"
    checks.fail(name, "a module without errors", message)
