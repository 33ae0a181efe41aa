"""Objects of the script's own classes, and others that are nothing but their attributes."""

from __future__ import annotations

from astrarium.explain import libraries
from astrarium.explain.events import Event, canonical
from astrarium.explain.parts import Parts
from astrarium.explain.values import UNKNOWN, Class, Function, Instance, Named, Settings, Trainer, Value


class Objects(Parts):
    """Makes and walks objects."""

    def instantiate(self, made: Class, event: Event | None, given: list[tuple[str | None, Value]]) -> Value:
        """An object of a class of the script; where nobody makes one, all its methods are walked."""
        instance = made.example = Instance(made)
        self.flow.instances.append(instance)
        begin = self.member(made, "__init__")
        if isinstance(begin, Function):
            self.flow.call(Function(begin.node, begin.scope, instance), event, given)
            begin.called = True
        else:
            self._fill(instance, given)
        for base in made.bases:
            own = isinstance(begin, Function)
            if isinstance(base, Named) and event is not None and (not own or base.name.endswith("Trainer")):
                event.name = canonical(base.name)
                result = libraries.call(event)
                added = self._added(made, begin)
                event.arguments = [one for one in event.arguments if one.name not in added]
                if isinstance(result, Trainer | Settings):
                    return result
        if event is None:
            self.walk_rest(made, instance)
        return instance

    def _added(self, made: Class, begin: Value | None) -> set[str]:
        """The arguments that a class has beside those of the library's class that it is made of."""
        found = {name for owner in self._line(made) for name in owner.fields}
        if isinstance(begin, Function):
            declared = begin.node.params
            found |= {one.name.value for one in (*declared.params, *declared.kwonly_params)}
        return found

    def entered(self, value: Value) -> Value:
        """What `with value as name` gives a name to."""
        begin = self.of_instance(value, "__enter__") if isinstance(value, Instance) else UNKNOWN
        return self.flow.call(begin, None, []) if isinstance(begin, Function) else value

    def _fill(self, instance: Instance, given: list[tuple[str | None, Value]]) -> None:
        """The attributes of a dataclass, from its arguments and the defaults in its body."""
        fields: dict[str, Value] = {}
        for owner in reversed(self._line(instance.of)):
            fields.update(owner.fields)
        plain = [value for name, value in given if name is None]
        named = {name: value for name, value in given if name is not None}
        for position, (name, value) in enumerate(fields.items()):
            default = self.member(instance.of, name) or value
            instance.attributes[name] = plain[position] if position < len(plain) else named.get(name, default)
        after = self.member(instance.of, "__post_init__")
        if isinstance(after, Function):
            self.flow.call(Function(after.node, after.scope, instance), None, [])
            after.called = True

    def _line(self, of: Class, depth: int = 0) -> list[Class]:
        above = [base for base in of.bases if isinstance(base, Class)] if depth < 10 else []
        return [of, *(one for base in above for one in self._line(base, depth + 1))]

    def above(self) -> Value:
        """`super()`: the object itself, with the methods of its bases."""
        own = self.flow.scope.find("self")
        if not isinstance(own, Instance):
            return UNKNOWN
        above = Instance(Class("super", own.of.bases))
        above.attributes = own.attributes
        return above

    def walk_rest(self, made: Class, instance: Instance) -> None:
        """Walk the methods that nobody has called: a framework may."""
        for name, member in list(made.members.items()):
            if isinstance(member, Function) and not member.called:
                method = self.of_instance(instance, name)
                if isinstance(method, Function):
                    self.flow.call(method, None, [])
