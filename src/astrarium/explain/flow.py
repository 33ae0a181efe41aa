"""Walks through a script as it would run, without running it: which values stand behind which names, call by call.

Both arms of a condition are walked and joined; a loop's body is walked once; functions of the script are walked where
they are called, and once by themselves where nobody calls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import libcst as cst

from astrarium.explain.events import Branch, Event, Store
from astrarium.explain.names import fields, imported, parameters
from astrarium.explain.scopes import Imported, Scope, joined
from astrarium.explain.texts import added
from astrarium.explain.tree import Tree
from astrarium.explain.values import (
    UNKNOWN,
    Class,
    Const,
    Function,
    Instance,
    Items,
    Value,
    either,
)  # fmt: skip

State = tuple[dict[str, Value], dict[Instance, dict[str, Value]]]
"""Names of the scope, and attributes of the script's objects."""
DEEPEST = 6
"""Calls of the script's own functions within one another that are followed."""
MOST_STEPS = 150_000
"""Statements and calls that are walked; a script that asks for more is read so far."""


class Flow:
    """The walk through one script.

    Args:
        tree: the script, parsed.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.events: list[Event] = []
        self.stores: list[Store] = []
        self.imports: list[Imported] = []
        self.assigned: list[tuple[str, cst.CSTNode, Value]] = []
        self.compared_with_padding: list[tuple[cst.CSTNode, Value]] = []
        """Where something is compared with a tokenizer's `pad_token_id`: the node, and the tokenizer."""
        self.returned: dict[int, Value] = {}
        """What functions of the script give, by the `id` of their nodes, as they were walked last."""
        self.fetched: set[str] = set()
        """Where the script writes what it has downloaded."""
        self.modules: set[str] = set()
        self.stars: list[str] = []
        self.scope = Scope()
        self.cut = False
        self.branch: Branch = ()
        self.loops = 0
        self.contexts: frozenset[str] = frozenset()
        self.function: list[str] = []
        self.callers: tuple[Event, ...] = ()
        self.statement: cst.CSTNode | None = None
        self._returns: list[list[Value]] = []
        self._yields: list[list[Value]] = []
        self.instances: list[Instance] = []
        self._active: list[cst.CSTNode] = []
        self._conditions = 0
        self._steps = 0
        self._functions: list[Function] = []
        self._classes: list[Class] = []
        self._guards = 0
        from astrarium.explain.expressions import Evaluator

        self.evaluator = Evaluator(self)
        self._block(tree.module.body)
        self._uncalled()

    # -- bookkeeping

    def step(self) -> bool:
        """Count a step; False when there have been enough."""
        self._steps += 1
        self.cut = self.cut or self._steps > MOST_STEPS
        return not self.cut

    def store(self, receiver: Value, path: str, value: Value, node: cst.CSTNode) -> None:
        """Note that a value was stored in an attribute."""
        self.stores.append(Store(receiver, path, value, node, len(self.events), self.branch))

    @contextmanager
    def arm(self, condition: int, arm: int) -> Iterator[None]:
        """Walk one arm of a condition."""
        before, self.branch = self.branch, (*self.branch, (condition, arm))
        self._guards += 1
        try:
            yield
        finally:
            self.branch = before
            self._guards -= 1

    def condition(self) -> int:
        """A number for one more condition."""
        self._conditions += 1
        return self._conditions

    def yielded(self, value: Value) -> None:
        """Note what a generator gives."""
        if self._yields:
            self._yields[-1].append(value)

    @property
    def tidying(self) -> bool:
        """Whether the function that is walked has given something already, and goes on behind its `yield`."""
        return bool(self._yields and self._yields[-1])

    # -- states, before and after branches

    def _state(self) -> State:
        return dict(self.scope.names), {one: dict(one.attributes) for one in self.instances}

    def _now(self) -> State:
        return self.scope.names, {one: one.attributes for one in self.instances}

    def _set(self, state: State) -> None:
        self.scope.names = dict(state[0])
        for one, attributes in state[1].items():
            one.attributes = dict(attributes)

    def _join(self, states: list[State]) -> None:
        self.scope.names = joined([names for names, _ in states])
        for one in self.instances:
            kept = [attributes[one] for _, attributes in states if one in attributes]
            one.attributes = joined(kept) if kept else one.attributes

    # -- statements

    def _block(self, statements: Sequence[cst.CSTNode]) -> bool:
        """Walk statements; True where the block is left (return, raise, break, continue)."""
        for statement in statements:
            if not self.step():
                return True
            if isinstance(statement, cst.SimpleStatementLine):
                for small in statement.body:
                    self.statement = statement
                    if self._small(small):
                        return True
            elif self._compound(statement):
                return True
        return False

    def _suite(self, suite: cst.BaseSuite) -> bool:
        if isinstance(suite, cst.SimpleStatementSuite):
            return any(self._small(small) for small in suite.body)
        return self._block(suite.body) if isinstance(suite, cst.IndentedBlock) else False

    def _small(self, node: cst.CSTNode) -> bool:
        evaluate = self.evaluator.evaluate
        match node:
            case cst.Expr():
                evaluate(node.value, discarded=True)
            case cst.Assign():
                names = [target.target.value for target in node.targets if isinstance(target.target, cst.Name)]
                value = evaluate(node.value, target=names[0] if names else None)
                for target in node.targets:
                    self.bind(target.target, value)
            case cst.AnnAssign():
                if node.value is not None:
                    name = node.target.value if isinstance(node.target, cst.Name) else None
                    self.bind(node.target, evaluate(node.value, target=name))
            case cst.AugAssign():
                self.bind(node.target, added(evaluate(node.target), evaluate(node.value)))
            case cst.Return():
                value = evaluate(node.value) if node.value is not None else Const(None)
                if self._returns:
                    self._returns[-1].append(value)
                return True
            case cst.Raise():
                if node.exc is not None:
                    evaluate(node.exc)
                return True
            case cst.Break() | cst.Continue():
                return True
            case cst.Import() | cst.ImportFrom():
                imported(self, node)
            case cst.Global() | cst.Nonlocal():
                self.scope.elsewhere.update(item.name.value for item in node.names)
            case cst.Assert():
                evaluate(node.test)
            case cst.Del():
                if isinstance(node.target, cst.Name):
                    self.scope.names.pop(node.target.value, None)
            case _:
                pass
        return False

    def _compound(self, node: cst.CSTNode) -> bool:
        match node:
            case cst.If():
                return self._if(node)
            case cst.For():
                self.bind(node.target, self.evaluator.element(self.evaluator.evaluate(node.iter)))
                self._loop(node.body, node.orelse)
            case cst.While():
                self.evaluator.evaluate(node.test)
                self._loop(node.body, node.orelse)
            case cst.With():
                return self._with(node)
            case cst.Try() | cst.TryStar():
                return self._try(node)
            case cst.FunctionDef():
                function = Function(node, self.scope)
                self._functions.append(function)
                for decorator in node.decorators:
                    self.evaluator.evaluate(decorator.decorator)
                self.scope.bind(node.name.value, function)
            case cst.ClassDef():
                self._class(node)
            case cst.Match():
                self.evaluator.evaluate(node.subject)
                number = self.condition()
                before, after = self._state(), []
                for arm, case in enumerate(node.cases):
                    self._set(before)
                    with self.arm(number, arm):
                        self._suite(case.body)
                    after.append(self._now())
                self._join([before, *after])
        return False

    def _if(self, node: cst.If) -> bool:
        self.evaluator.evaluate(node.test)
        test = self.tree.code(node.test)
        if "__name__" in test or "TYPE_CHECKING" in test:
            left = self._suite(node.body)
            if node.orelse is not None and isinstance(node.orelse, cst.Else):
                self._suite(node.orelse.body)
            return left and "__name__" not in test
        number = self.condition()
        before = self._state()
        with self.arm(number, 0):
            left = self._suite(node.body)
        first = self._now()
        self._set(before)
        other = False
        if node.orelse is not None:
            with self.arm(number, 1):
                other = self._if(node.orelse) if isinstance(node.orelse, cst.If) else self._suite(node.orelse.body)
        second = self._now()
        self._join([state for state, gone in ((first, left), (second, other)) if not gone] or [second])
        return left and other

    def _loop(self, body: cst.BaseSuite, orelse: cst.Else | None) -> None:
        before = self._state()
        self.loops += 1
        self._suite(body)
        self.loops -= 1
        self._join([self._now(), before])
        if orelse is not None:
            self._suite(orelse.body)

    def _with(self, node: cst.With) -> bool:
        before = self.contexts
        for item in node.items:
            value = self.evaluator.evaluate(item.item)
            code = self.tree.code(item.item)
            for mark in ("no_grad", "inference_mode", "disable_adapter"):
                if mark in code:
                    self.contexts |= {mark}
            if item.asname is not None:
                self.bind(item.asname.name, self.evaluator.entered(value))
        left = self._suite(node.body)
        self.contexts = before
        return left

    def _try(self, node: cst.Try | cst.TryStar) -> bool:
        number = self.condition()
        self._guards += 1
        before = self._state()
        left = self._suite(node.body)
        after = [] if left else [self._now()]
        handlers: Sequence[cst.ExceptHandler | cst.ExceptStarHandler] = node.handlers
        for arm, handler in enumerate(handlers, 1):
            self._set(before)
            with self.arm(number, arm):
                if not self._suite(handler.body):
                    after.append(self._now())
        self._join(after or [before])
        self._guards -= 1
        if node.orelse is not None:
            self._suite(node.orelse.body)
        if node.finalbody is not None:
            self._suite(node.finalbody.body)
        return not after

    def _class(self, node: cst.ClassDef) -> None:
        made = Class(node.name.value, [self.evaluator.evaluate(base.value) for base in node.bases])
        inner = Scope(parent=self.scope)
        outer, self.scope = self.scope, inner
        self._suite(node.body)
        self.scope = outer
        made.members = inner.names
        made.fields = fields(self.tree, node)
        for member in inner.names.values():
            if isinstance(member, Function):
                member.scope = outer
        self._classes.append(made)
        self.scope.bind(made.name, made)

    # -- names

    def bind(self, target: cst.CSTNode, value: Value) -> None:
        """Assign a value to a target."""
        match target:
            case cst.Name():
                self.scope.bind(target.value, value)
                self.assigned.append((target.value, target, value))
            case cst.Tuple() | cst.List():
                for position, element in enumerate(target.elements):
                    one = self.evaluator.item(value, position)
                    self.bind(element.value, UNKNOWN if isinstance(element, cst.StarredElement) else one)
            case cst.Attribute():
                self.evaluator.assign_attribute(target, value)
            case cst.Subscript():
                self.evaluator.assign_item(target, value)
            case cst.StarredElement():
                self.bind(target.value, UNKNOWN)

    # -- functions

    def call(self, function: Function, event: Event | None, given: list[tuple[str | None, Value]]) -> Value:
        """Walk a function of the script with these arguments, and give what it returns."""
        function.called = True
        if function.member is not None:
            function.member.called = True
        if function.node in self._active or len(self._active) >= DEEPEST or not self.step():
            return UNKNOWN
        scope = Scope(parent=function.scope)
        parameters(self, function, scope, [*function.given, *given], event)
        saved = self.scope, self.statement, self.loops, self.contexts, self.callers
        self.scope = scope
        self.callers = (*self.callers, event) if event is not None else self.callers
        self._active.append(function.node)
        self._returns.append([])
        self._yields.append([])
        manages = False
        node = function.node
        if isinstance(node, cst.Lambda):
            self._returns[-1].append(self.evaluator.evaluate(node.body))
        else:
            self.function.append(node.name.value)
            for decorator in node.decorators:
                code = self.tree.code(decorator.decorator)
                manages = manages or "contextmanager" in code
                self.contexts |= {mark for mark in ("no_grad", "inference_mode") if mark in code}
            self._suite(node.body)
            self.function.pop()
        self._active.pop()
        self.scope, self.statement, self.loops, self.contexts, self.callers = saved
        returned, yielded = self._returns.pop(), self._yields.pop()
        given_back = either(returned) if returned else Const(None)
        if yielded:
            given_back = either(yielded) if manages else Items([], either(yielded))
        self.returned[id(node)] = given_back
        return given_back

    def _uncalled(self) -> None:
        """Walk what nobody has called."""
        for made in self._classes:
            if made.example is None:
                self.evaluator.instantiate(made, None, [])
            else:
                self.evaluator.walk_rest(made, made.example)
        for function in self._functions:
            if not function.called:
                self.call(function, None, [])
