"""Parts of values: attributes, items, what a loop gives; and what is assigned to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from astrarium.explain import methods
from astrarium.explain.sequences import element
from astrarium.explain.values import (
    UNKNOWN,
    Batch,
    Class,
    Downloaded,
    Either,
    Function,
    Instance,
    Items,
    Model,
    Named,
    Output,
    Settings,
    Table,
    Templated,
    Tokenizer,
    Trainer,
    Value,
    constant,
    either,
    options,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.flow import Flow


class Parts:
    """What the parts of values are."""

    flow: Flow

    def evaluate(self, node: cst.CSTNode, *, discarded: bool = False, target: str | None = None) -> Value:
        """The value of an expression."""
        raise NotImplementedError

    def element(self, value: Value) -> Value:
        """What a loop over a value gives."""
        return either([element(option) for option in options(value)])

    def item(self, value: Value, position: int) -> Value:
        """One of the values that are unpacked."""
        if isinstance(value, Items):
            return value.items[position] if position < len(value.items) else value.rest or UNKNOWN
        if isinstance(value, Either):
            return either([self.item(option, position) for option in value.options])
        if isinstance(value, Output):
            return value
        if isinstance(value, Instance) and position < len(value.of.fields):  # of a NamedTuple
            return value.attributes.get(list(value.of.fields)[position], UNKNOWN)
        return UNKNOWN

    def subscript(self, node: cst.Subscript) -> Value:
        """The value of `value[key]`."""
        value = self.evaluate(node.value)
        slices = [element.slice for element in node.slice]
        index = slices[0].value if slices and isinstance(slices[0], cst.Index) else None
        asked = self.evaluate(index) if index is not None else UNKNOWN
        key = constant(asked)
        for one in slices:
            if isinstance(one, cst.Slice):
                for bound in (one.lower, one.upper):
                    if bound is not None:
                        self.evaluate(bound)
        cut = any(isinstance(one, cst.Slice) and one.lower is not None for one in slices)
        if isinstance(value, Table) and isinstance(asked, Either):
            return either([self._part(value, constant(one), cut, node) for one in asked.options])
        if isinstance(value, Either):
            return either([self._part(option, key, cut, node) for option in value.options])
        return self._part(value, key, cut, node)

    def _part(self, value: Value, key: Any, cut: bool, node: cst.Subscript) -> Value:
        if isinstance(value, Output):
            if key == "sequences":
                return Output(value.event, value.model, value.whole, prompt=value.prompt)
            whole = value.whole and not cut and key not in ("scores", "logits")
            return Output(value.event, value.model, whole, prompt=value.prompt)
        if isinstance(value, Batch):
            return methods.part_of(value, key) if isinstance(key, str) else value
        if isinstance(value, Items) and isinstance(key, int):
            if -len(value.items) <= key < len(value.items):
                return value.items[key]
            return value.rest or UNKNOWN
        if isinstance(value, Items) and cut and isinstance(node.slice[0].slice, cst.Slice):
            low, high = (constant(self.evaluate(one)) if one is not None else None
                         for one in (node.slice[0].slice.lower, node.slice[0].slice.upper))  # fmt: skip
            return Items(value.items[low:high], value.rest) if isinstance(low, int) else value
        if isinstance(value, Items) and any(isinstance(one.slice, cst.Slice) for one in node.slice):
            return value
        if isinstance(value, Table) and isinstance(key, str | int):
            if key in value.items or not value.batches:
                return value.items.get(key, value.rest or UNKNOWN)
            return methods.part_of(value.batches[-1], str(key)) if isinstance(value.batches[-1], Batch) else UNKNOWN
        if isinstance(value, Table):
            return value.any
        if type(value) is Value:
            return methods.tensor_of(key)
        return value if isinstance(value, Downloaded | Templated) else UNKNOWN

    def attribute_of(self, node: cst.Attribute) -> Value:
        """The value of `value.name`."""
        return self.attribute(self.evaluate(node.value), node.attr.value)

    def attribute(self, value: Value, name: str) -> Value:
        """An attribute of a value."""
        if isinstance(value, Either):
            return either([self.attribute(option, name) for option in value.options])
        if isinstance(value, Named):
            return Named(f"{value.name}.{name}")
        if isinstance(value, Instance):
            return self.of_instance(value, name)
        if isinstance(value, Class):
            return self._of_class(value, name)
        return methods.attribute(value, name)

    def of_instance(self, value: Instance, name: str) -> Value:
        """An attribute of an object of a class of the script."""
        if name in value.attributes:
            return value.attributes[name]
        member = self.member(value.of, name)
        if isinstance(member, Function) and isinstance(member.node, cst.FunctionDef):
            decorators = [self.flow.tree.code(one.decorator) for one in member.node.decorators]
            if "property" in decorators or "cached_property" in decorators:
                return self.flow.call(Function(member.node, member.scope, value, member=member), None, [])
            bound = None if "staticmethod" in decorators else value.of if "classmethod" in decorators else value
            return Function(member.node, member.scope, bound, member=member)
        return member or UNKNOWN

    def _of_class(self, value: Class, name: str) -> Value:
        member = self.member(value, name)
        if isinstance(member, Function) and isinstance(member.node, cst.FunctionDef):
            marks = [self.flow.tree.code(one.decorator) for one in member.node.decorators]
            return Function(member.node, member.scope, value if "classmethod" in marks else None, member=member)
        return member or UNKNOWN

    def member(self, of: Class, name: str, depth: int = 0) -> Value | None:
        """A member of a class or of its bases; None where it has none."""
        if name in of.members:
            return of.members[name]
        for base in of.bases:
            if isinstance(base, Class) and depth < 10:
                found = self.member(base, name, depth + 1)
                if found is not None:
                    return found
        return None

    def assign_attribute(self, target: cst.Attribute, value: Value) -> None:
        """`receiver.path = value`."""
        path, node = target.attr.value, target.value
        receiver = self.evaluate(node)
        while not isinstance(receiver, Model | Tokenizer | Instance | Class | Settings | Either) and isinstance(
            node, cst.Attribute
        ):
            path, node = f"{node.attr.value}.{path}", node.value
            receiver = self.evaluate(node)
        for option in options(receiver):
            if isinstance(option, Instance):
                option.attributes[path] = value
            elif isinstance(option, Class):
                option.members[path] = value
            elif isinstance(option, Settings):
                option.given[path] = value
            elif isinstance(option, Tokenizer):
                methods.set_tokenizer(option, path, value, len(self.flow.events))
            elif isinstance(option, Trainer):
                option.given[path] = value
            self.flow.store(option, path, value, target)

    def assign_item(self, target: cst.Subscript, value: Value) -> None:
        """`receiver[key] = value`."""
        receiver = self.evaluate(target.value)
        keys = [constant(self.evaluate(one.slice.value)) for one in target.slice if isinstance(one.slice, cst.Index)]
        if isinstance(receiver, Table) and keys and isinstance(keys[0], str | int):
            receiver.items[keys[0]] = value
            receiver.nodes.pop(keys[0], None)
            for small in getattr(self.flow.statement, "body", ()):
                if isinstance(small, cst.Assign) and len(small.targets) == 1 and small.targets[0].target is target:
                    receiver.nodes[keys[0]] = small
        elif isinstance(receiver, Table):
            receiver.rest, receiver.complete = either([one for one in (receiver.rest, value) if one is not None]), False
        self.flow.store(receiver, f"[{keys[0] if keys else ''}]", value, target)
