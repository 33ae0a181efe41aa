"""Values of expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from astrarium.explain import libraries, methods, texts
from astrarium.explain.events import Event, Given, canonical
from astrarium.explain.files import file_of
from astrarium.explain.handed import handed_function, handed_work, joined
from astrarium.explain.objects import Objects
from astrarium.explain.spelling import spelt
from astrarium.explain.tables import spread, unpacked
from astrarium.explain.values import (
    UNKNOWN,
    Batch,
    Class,
    Const,
    Downloaded,
    Function,
    Instance,
    Items,
    Model,
    Named,
    Parser,
    Settings,
    Table,
    Templated,
    Tensor,
    Tokenizer,
    Value,
    Work,
    constant,
    either,
    options,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.flow import Flow


class Evaluator(Objects):
    """Gives the values of a script's expressions, and tells the flow of its calls."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._depth = 0

    def evaluate(self, node: cst.CSTNode, *, discarded: bool = False, target: str | None = None) -> Value:
        """The value of an expression; its calls are noted."""
        if self._depth > 150:
            return UNKNOWN
        self._depth += 1
        try:
            if isinstance(node, cst.Call):
                return self._call(node, discarded, target)
            handler = _HANDLERS.get(type(node))
            return UNKNOWN if handler is None else handler(self, node)
        finally:
            self._depth -= 1

    # -- literals and operators

    def _name(self, node: cst.Name) -> Value:
        if node.value in ("True", "False", "None"):
            return Const({"True": True, "False": False, "None": None}[node.value], node)
        found = self.flow.scope.find(node.value)
        if found is None and self.flow.stars and node.value not in _BUILTINS:
            for package in self.flow.stars:
                if libraries.exported(package, node.value):
                    return Named(f"{package}.{node.value}")
        return Named(node.value) if found is None and node.value in _BUILTINS else found or UNKNOWN

    def _string(self, node: cst.SimpleString | cst.ConcatenatedString) -> Value:
        value = spelt(node) if isinstance(node, cst.SimpleString) else node.evaluated_value
        if isinstance(value, str | bytes):
            return Const(value, node)
        if isinstance(node, cst.ConcatenatedString):
            return texts.added(self.evaluate(node.left), self.evaluate(node.right))
        return UNKNOWN

    def _formatted(self, node: cst.FormattedString) -> Value:
        parts, sources = [], []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                parts.append([part.value.replace("\\n", "\n").replace("{{", "{").replace("}}", "}")])
            elif isinstance(part, cst.FormattedStringExpression):
                sources.append(self.evaluate(part.expression))
                parts.append(texts.forms(sources[-1]))
        for source in sources:
            if isinstance(source, Downloaded | Templated):
                return source
        return texts.put_together(parts)

    def _number(self, node: cst.Integer | cst.Float) -> Value:
        try:
            return Const(int(node.value) if node.value.isdecimal() else node.evaluated_value, node)
        except (ValueError, SyntaxError):  # more digits than Python turns into a number
            return UNKNOWN

    def _unary(self, node: cst.UnaryOperation) -> Value:
        value = self.evaluate(node.expression)
        known = constant(value)
        if isinstance(node.operator, cst.Minus) and isinstance(known, int | float):
            return Const(-known, node)
        return UNKNOWN

    def _binary(self, node: cst.BinaryOperation) -> Value:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        for side in (left, right):
            if isinstance(side, Downloaded):
                return side
        if isinstance(node.operator, cst.Add):
            return texts.added(left, right)
        first, second = constant(left), constant(right)
        if isinstance(node.operator, cst.Modulo) and isinstance(first, str):
            return texts.filled(first, right)
        if isinstance(first, int | float) and isinstance(second, int | float):
            if isinstance(node.operator, cst.Multiply) and abs(first) < 1e12 and abs(second) < 1e12:
                return Const(first * second, node)
            if isinstance(node.operator, cst.Divide) and second:
                return Const(first / second, node)
        return UNKNOWN

    def _sequence(self, node: cst.List | cst.Tuple | cst.Set) -> Value:
        found, rest = [], None
        for element in node.elements:
            value = self.evaluate(element.value)
            if isinstance(element, cst.StarredElement):
                rest = self.element(value)
            else:
                found.append(value)
        return Items(found, rest)

    def _dict(self, node: cst.Dict) -> Value:
        table = Table({})
        for element in node.elements:
            value = self.evaluate(element.value)
            if isinstance(element, cst.DictElement):
                key = constant(self.evaluate(element.key))
                if isinstance(key, str | int):
                    table.items[key], table.nodes[key] = value, element
            elif isinstance(value, Batch) and len(node.elements) == 1:
                return value
            else:
                spread(table, value)
        return table

    def _conditional(self, node: cst.IfExp) -> Value:
        self.evaluate(node.test)
        return either([self.evaluate(node.body), self.evaluate(node.orelse)])

    def _boolean(self, node: cst.BooleanOperation) -> Value:
        return either([self.evaluate(node.left), self.evaluate(node.right)])

    def _comparison(self, node: cst.Comparison) -> Value:
        self.evaluate(node.left)
        for comparison in node.comparisons:
            right = comparison.comparator
            self.evaluate(right)
            equality = isinstance(comparison.operator, cst.Equal | cst.NotEqual)
            if equality and isinstance(right, cst.Attribute) and right.attr.value == "pad_token_id":
                self.flow.compared_with_padding.append((node, self.evaluate(right.value)))
        return UNKNOWN

    def _walrus(self, node: cst.NamedExpr) -> Value:
        name = node.target.value if isinstance(node.target, cst.Name) else None
        value = self.evaluate(node.value, target=name)
        self.flow.bind(node.target, value)
        return value

    def _lambda(self, node: cst.Lambda) -> Value:
        return Function(node, self.flow.scope)

    def _comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp) -> Value:
        outer = dict(self.flow.scope.names)
        over = self._for(node.for_in)
        if isinstance(node, cst.DictComp):
            self.evaluate(node.key)
            value = self.evaluate(node.value)
            self.flow.scope.names = outer
            if isinstance(over, Batch) and isinstance(value, Batch):
                return Batch(
                    over.event, over.tokenizer, over.padded, over.many, over.prompts, value.device, over.tensors,
                    side=over.side, added_device=value.added_device,
                )  # fmt: skip
            return Table({}, complete=False, rest=value)
        value = self.evaluate(node.elt)
        self.flow.scope.names = outer
        return Items([], value)

    def _for(self, clause: cst.CompFor) -> Value:
        over = self.evaluate(clause.iter)
        self.flow.bind(clause.target, self.element(over))
        if isinstance(over, Items) and over.rest is not None and isinstance(over.rest, Items):
            pair = over.rest.items
            over = pair[1] if len(pair) == 2 and isinstance(pair[1], Batch) else over
        for condition in clause.ifs:
            self.evaluate(condition.test)
        if clause.inner_for_in is not None:
            self._for(clause.inner_for_in)
        return over

    def _await(self, node: cst.Await) -> Value:
        return self.evaluate(node.expression)

    def _yield(self, node: cst.Yield) -> Value:
        if isinstance(node.value, cst.From):
            self.flow.yielded(self.element(self.evaluate(node.value.item)))
        else:
            self.flow.yielded(self.evaluate(node.value) if node.value is not None else UNKNOWN)
        return UNKNOWN

    # -- calls

    def _call(self, node: cst.Call, discarded: bool, target: str | None) -> Value:
        receiver: Value | None = None
        attribute = ""
        if isinstance(node.func, cst.Attribute):
            receiver = self.evaluate(node.func.value)
            attribute = node.func.attr.value
            called = self.attribute(receiver, attribute)
            if any(isinstance(one, Instance | Class) for one in options(receiver)) and any(
                isinstance(one, _CALLED | Work) for one in options(called)
            ):  # `self.tokenizer(…)`: the attribute itself is called
                receiver, attribute = called, ""
        else:
            called = self.evaluate(node.func)
            if any(isinstance(option, _CALLED) for option in options(called)):
                receiver = called
        statement = self.flow.statement
        given = []
        for argument in node.args:
            value = self.evaluate(argument.value)
            if argument.star == "**":
                given += unpacked(value, argument)
            elif argument.star == "*" and isinstance(value, Items) and value.rest is None:
                given += [Given(None, one, argument) for one in value.items]
            else:
                given.append(
                    Given(argument.keyword.value if argument.keyword else argument.star or None, value, argument)
                )
        if not self.flow.step():
            return UNKNOWN
        if attribute == "clear" and self.flow.tidying:
            return UNKNOWN  # what a service drops when it ends
        event = Event(
            node, "", given, len(self.flow.events), receiver, statement=statement, discarded=discarded, target=target,
            branch=self.flow.branch, loop=self.flow.loops > 0, contexts=self.flow.contexts,
            function=".".join(self.flow.function), callers=self.flow.callers,
        )  # fmt: skip
        self.flow.events.append(event)
        event.result = self._result(event, called, attribute)
        parsed = self._parsed(event) or file_of(self.flow, event)
        if parsed is not None:
            event.result = parsed
        handed = handed_work(event)
        if handed is not None:
            event.result = self._handed(event, *handed)
        return event.result

    def _parsed(self, event: Event) -> Value | None:
        """What a parser of dataclasses, a function that is handed on, or `partial` of one gives."""
        if isinstance(event.receiver, Parser) and event.short.startswith("parse_") and event.receiver.classes:
            return Items([self.instantiate(one, event, []) for one in event.receiver.classes])
        if event.short in ("field", "Field"):  # of a dataclass or a pydantic model
            made = event.value("default_factory")
            return self.flow.call(made, event, []) if isinstance(made, Function) else event.value("default", 0)
        if event.short == "DataLoader":
            return self._batches(event)
        handed = handed_function(event)
        if handed is None:
            return None
        function, given = handed
        plain = [(one.name, one.value) for one in given if one.name not in ("*", "**")]
        if event.short == "partial":
            return replace(function, given=[*function.given, *plain])
        result = self.flow.call(function, event, plain)
        if event.short in ("map", "imap"):
            return Items([], result) if given else None
        return result

    def _batches(self, event: Event) -> Value:
        """What a loader gives: the batches of its `collate_fn`, else a dict of tensors under the usual keys."""
        collate = event.value("collate_fn")
        rows = [(None, Items([], self.element(event.value("dataset", 0))))]
        if isinstance(collate, Instance):
            collate = self.of_instance(collate, "__call__")
        if isinstance(collate, Function):
            return Items([], self.flow.call(collate, event, [*rows]))
        return Items([], Table({}, complete=False, rest=Tensor()))

    def _handed(self, event: Event, work: Work, given: list[Given]) -> Value:
        """Note the call that something else will make; the value of the call that hands it on."""
        given, partial = joined(work.given, given), event.short == "partial"
        open_end = [Given("**", UNKNOWN, event.node.args[0])] if partial else []
        later = replace(
            event, name="", arguments=[*given, *open_end], order=len(self.flow.events), receiver=work.model,
            result=UNKNOWN, discarded=False, target=None, facts={},
        )  # fmt: skip
        self.flow.events.append(later)
        later.result = methods.method(later, work.model, work.name) or UNKNOWN
        return Work(work.model, work.name, given) if partial else event.result

    def _result(self, event: Event, called: Value, attribute: str) -> Value:
        plain = [(one.name, one.value) for one in event.arguments if one.name not in ("*", "**")]
        found: list[Value] = []
        for option in options(called):
            if isinstance(option, Function):
                event.name = option.node.name.value if isinstance(option.node, cst.FunctionDef) else "lambda"
                found.append(self.flow.call(option, event, plain))
            elif isinstance(option, Class):
                event.name = option.name
                found.append(self.instantiate(option, event, plain))
            elif isinstance(option, Named) and option.name == "super":
                event.name = "super"
                found.append(self.above())
            elif isinstance(option, Named) and not isinstance(event.receiver, Model | Tokenizer):
                event.name = canonical(option.name)
                found.append(libraries.call(event))
            elif isinstance(option, Work) and not attribute:
                event.arguments = joined(option.given, event.arguments)
                event.receiver = option.model
                found.append(methods.method(event, option.model, option.name) or UNKNOWN)
            elif isinstance(option, Instance):
                event.name = option.of.name
                method = self.of_instance(option, "__call__")
                method = self.of_instance(option, "forward") if method is UNKNOWN else method
                found.append(self.flow.call(method, event, plain) if isinstance(method, Function) else UNKNOWN)
        if found:
            return either(found)
        receivers = options(event.receiver) if event.receiver is not None and attribute else options(called)
        for option in receivers:
            asked = attribute or "__call__"
            if isinstance(option, Instance):
                for base in option.of.bases:
                    if isinstance(base, Named):
                        event.name = canonical(f"{base.name}.{asked}")
                continue
            result = methods.method(event, option, asked)
            if result is not None:
                found.append(result)
        if found:
            return either(found)
        event.name = event.name or (f"?.{attribute}" if attribute else self.flow.tree.code(event.node.func)[:80])
        return methods.loose(event, attribute)


_CALLED = Model | Tokenizer | Batch | Settings
"""What is called as it stands: `model(…)`, `tokenizer(…)`."""
_BUILTINS = frozenset(
    ["print", "len", "open", "list", "tuple", "dict", "str", "int", "float", "zip", "enumerate", "range", "input",
     "sorted", "set", "max", "min", "sum", "map", "filter", "isinstance", "getattr", "setattr", "super", "any", "all"]
)  # fmt: skip

_HANDLERS: dict[type, Callable[[Evaluator, Any], Value]] = {
    cst.Name: Evaluator._name,
    cst.SimpleString: Evaluator._string,
    cst.ConcatenatedString: Evaluator._string,
    cst.FormattedString: Evaluator._formatted,
    cst.Integer: Evaluator._number,
    cst.Float: Evaluator._number,
    cst.UnaryOperation: Evaluator._unary,
    cst.BinaryOperation: Evaluator._binary,
    cst.BooleanOperation: Evaluator._boolean,
    cst.Comparison: Evaluator._comparison,
    cst.List: Evaluator._sequence,
    cst.Tuple: Evaluator._sequence,
    cst.Set: Evaluator._sequence,
    cst.Dict: Evaluator._dict,
    cst.IfExp: Evaluator._conditional,
    cst.NamedExpr: Evaluator._walrus,
    cst.Lambda: Evaluator._lambda,
    cst.ListComp: Evaluator._comprehension,
    cst.SetComp: Evaluator._comprehension,
    cst.GeneratorExp: Evaluator._comprehension,
    cst.DictComp: Evaluator._comprehension,
    cst.Await: Evaluator._await,
    cst.Yield: Evaluator._yield,
    cst.Subscript: Evaluator.subscript,
    cst.Attribute: Evaluator.attribute_of,
}
