"""Whether an adapter was made for the base that it is to be put on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from astrarium.core.errors import AdapterError
from astrarium.families.names import differ
from astrarium.sources.base import DEFAULT, DEFAULT_ON_HUB
from astrarium.sources.hub import may_be_hub_id

if TYPE_CHECKING:
    from astrarium.sources import AdapterSource, BaseSource


def check_made_for(adapter: AdapterSource, base: BaseSource, *, any_base: bool) -> list[str]:
    """Look at what an adapter says of its base: its name, and where astrarium tuned it the digest of its weights.

    A folder or file may hold any model, so that its name proves little: there another name is a note, unless the two
    speak of different families or sizes. Of two models of the hub another name is another base.

    Args:
        adapter: the adapter.
        base: where it is to go.
        any_base: whether that is wanted on whatever base.

    Returns:
        What the user should know of it.

    Raises:
        AdapterError: it was made for another base, and that is not wanted.
    """
    made_for, digest = adapter.config.get("base_model_name_or_path"), adapter.metadata.get("base_digest")
    notes = list(adapter.notes)
    if digest is not None and digest == base.digest():
        return notes
    if not isinstance(made_for, str) or not made_for or made_for in (base.name, base.lasting_name):
        if digest is None:
            return notes
    elif _is_another(made_for, base) and not any_base:
        raise AdapterError(
            f"adapter {adapter.name} was made for {made_for}, and this base is {base.name}; load that one, or where it "
            "is meant for this one too take any_base=True (--any-base)"
        )
    if digest is not None:
        notes.append(f"adapter {adapter.name} was tuned on {made_for} with other weights than {base.name} has here")
    else:
        notes.append(f"adapter {adapter.name} names {made_for} as its base; here it runs on {base.name}")
    return notes


def _is_another(made_for: str, base: BaseSource) -> bool:
    there, here = (DEFAULT_ON_HUB if name == DEFAULT else name for name in (made_for, base.name))
    if _leaf(there) == _leaf(here):
        return False
    on_hub = may_be_hub_id(there) and "/" in there and not os.path.exists(there)
    if on_hub and base.origin in ("hub", DEFAULT):
        return True
    return differ(_leaf(there), _leaf(here))


def _leaf(name: str) -> str:
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
