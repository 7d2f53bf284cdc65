"""Which names a cell binds, and which it needs from the cells above.

Marking runs tests apart from the student's code, so it must know without running anything whose value a test
means by a name. The engine asks while it marks, in a sandbox that holds little; ``equipoise check`` asks while an
author writes. Hence one small module that imports nothing but the standard library.

The reading is in source order, and a binding in one branch counts as a binding. A name in the body of a function
counts as needed, since somebody may call it. What cannot be seen in the source (``exec``, ``import *``) is not
seen. A line that begins with ``%`` or ``!`` is IPython's, and is skipped; a cell that is no Python has no names.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

BUILTINS = frozenset(dir(builtins)) | {"display", "get_ipython"}  # IPython adds the last two
IPYTHON = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)


def bound_names(source: str) -> frozenset[str]:
    """The names that a cell binds for the cells below: by assignment, import, definition, loop and the like."""
    scope = _read(source)
    return frozenset(scope.bound | scope.exported)


def free_names(source: str) -> frozenset[str]:
    """The names that a cell needs, itself or through a function that it defines, and does not bind before.

    Names of builtins are among them: subtract ``BUILTINS`` where they do not matter.
    """
    return frozenset(_read(source).needed())


def independent(sources: Iterable[str]) -> list[bool]:
    """For each cell, in order: whether it needs nothing but builtins and independent cells above it."""
    known, answers = set(BUILTINS), []
    for source in sources:
        answers.append(free_names(source) <= known)
        if answers[-1]:
            known |= bound_names(source)
    return answers


def _read(source: str) -> _Scope:
    scope = _Scope()
    try:
        scope.visit(_parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # ast raises each of them on some text
        return _Scope()
    return scope


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # only then look for IPython's lines: a line of Python, too, may begin with %
        return ast.parse(IPYTHON.sub(r"\1pass", source))


class _Scope(ast.NodeVisitor):
    """Code that runs from top to bottom: a cell, or the body of a class."""

    def __init__(self, parameters: Iterable[str] = ()):
        self.bound = set(parameters)
        self.free: set[str] = set()  # needed at once
        self.deferred: set[str] = set()  # needed when a function that is defined here is called
        self.exported: set[str] = set()  # bound for the whole module by ``global``
        self.hidden: list[set[str]] = []  # variables of the comprehensions around the node, which nobody else sees

    def needed(self) -> set[str]:
        return self.free | (self.deferred - self.bound)

    def load(self, name: str) -> None:
        if name not in self.bound | self.exported:
            self.free.add(name)

    def unbind(self, name: str | None) -> None:
        self.bound.discard(name)

    def visit_Name(self, node: ast.Name) -> None:
        if any(node.id in names for names in self.hidden):
            return
        if isinstance(node.ctx, ast.Store):
            self.bound.add(node.id)
        else:
            self.load(node.id)  # ``del``, too, needs the name
        if isinstance(node.ctx, ast.Del):
            self.unbind(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.load(node.target.id)
        self._visit_all([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.annotation, node.value])
        if node.value or not isinstance(node.target, ast.Name):  # ``x: int`` alone binds nothing
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bound.add(node.target.id)  # even within a comprehension, whose other variables stay inside

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._visit_all([node.iter, node.target, *node.body, *node.orelse])

    visit_AsyncFor = visit_For

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        names = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        self.bound |= names - {"*"}

    visit_ImportFrom = visit_Import

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.bound |= {node.name} - {None}
        self.generic_visit(node)
        self.unbind(node.name)  # as Python does when the handler ends

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.bound |= {node.name} - {None}
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.bound |= {node.rest} - {None}
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        first, *_ = node.generators
        self.visit(first.iter)  # Python takes the first iterable from outside
        variables = {name.id for part in node.generators for name in _targets(part.target)}
        with self._hiding(variables):
            for part in node.generators:
                self._visit_all([part.iter] if part is not first else [])
                self._visit_all([part.target, *part.ifs])
            self._visit_all(results)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all(node.decorator_list)
        with self._hiding(_type_parameters(node)):
            self._visit_all([node.args, node.returns])
            self._call_later(node.args, node.body)
        self.bound.add(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self._call_later(node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all(node.decorator_list)
        with self._hiding(_type_parameters(node)):
            self._visit_all([*node.bases, *node.keywords])
            body = _Scope()
            body._visit_all(node.body)
            for name in self._seen_from(body.free):
                self.load(name)
            self.deferred |= self._seen_from(body.deferred)  # methods do not see the names of their class
        self.exported |= body.exported
        self.bound.add(node.name)

    def _call_later(self, arguments: ast.arguments, body: list[ast.AST]) -> None:
        function = _Function(_parameters(arguments))
        function._visit_all(body)
        self.deferred |= self._seen_from(function.needed())
        self.exported |= function.exported

    def _seen_from(self, names: set[str]) -> set[str]:
        return names.difference(*self.hidden)

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    @contextmanager
    def _hiding(self, names: set[str]) -> Iterator[None]:
        self.hidden.append(names)
        yield
        self.hidden.pop()


class _Function(_Scope):
    """The body of a function: a name that is bound anywhere in it is its own everywhere in it."""

    def __init__(self, parameters: Iterable[str]):
        super().__init__(parameters)
        self.elsewhere: set[str] = set()  # declared global or nonlocal

    def needed(self) -> set[str]:
        return (self.free | self.deferred) - (self.bound - self.elsewhere)

    def load(self, name: str) -> None:
        self.free.add(name)

    def unbind(self, name: str | None) -> None:
        """A deleted name is still the function's own."""
        self.bound |= {name} - {None}

    def visit_Global(self, node: ast.Global) -> None:
        self.elsewhere |= set(node.names)
        self.exported |= set(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.elsewhere |= set(node.names)


def _targets(target: ast.AST) -> Iterator[ast.Name]:
    """The names that a target binds; one that is only read there, as in ``for row[i] in rows``, is not among them."""
    return (node for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    lists = (arguments.posonlyargs, arguments.args, arguments.kwonlyargs, [arguments.vararg, arguments.kwarg])
    return (argument.arg for arguments in lists for argument in arguments if argument)


def _type_parameters(node: ast.AST) -> set[str]:
    return {parameter.name for parameter in getattr(node, "type_params", ())}
