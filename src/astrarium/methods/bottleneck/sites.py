"""Which modules of a base the targets of a bottleneck adapter mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck.config import BottleneckConfig
from astrarium.methods.kinds import fork_kind, kind_of

_SHOWN = 12
_INSIDE_SAVED_MODULE = re.compile(r"\.(original_module|modules_to_save)\.")


def is_target(config: BottleneckConfig, path: str) -> bool:
    """Whether the module at `path` is a target: by bare ending (no dot needed), or by a match of the whole path."""
    if config.modules_to_save and any(_is_inside(path, name) for name in config.modules_to_save):
        return False
    if _INSIDE_SAVED_MODULE.search(path):
        return False
    if isinstance(config.target_modules, str):
        return re.fullmatch(config.target_modules, path) is not None
    return any(path.endswith(ending) for ending in config.target_modules or ())


def check_targets(config: BottleneckConfig, paths: Iterable[str], linears: Iterable[str]) -> tuple[str, ...]:
    """Check that the targets exist, before the model is touched.

    Args:
        config: the adapter's configuration.
        paths: every module path of the base.
        linears: the paths of its linear layers, to be named in an error.

    Returns:
        The endings that match nothing, for a configuration that matches elsewhere.

    Raises:
        AdapterError: no target is given, or none matches.
    """
    names = sorted({re.sub(r"\b\d+\b", "*", path) for path in linears})
    shown = ", ".join(names[:_SHOWN]) + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
    if not config.target_modules:
        raise AdapterError(f"target_modules is {config.target_modules!r}; name the sites, out of: {shown}")
    paths = list(paths)
    if not any(is_target(config, path) for path in paths):
        raise AdapterError(f"target_modules {_listed(config)} match no module of the base; its linears are: {shown}")
    if isinstance(config.target_modules, str):
        return ()
    return tuple(end for end in config.target_modules if not any(path.endswith(end) for path in paths))


def unmatched_error(unmatched: tuple[str, ...], linears: Iterable[str]) -> AdapterError:
    """The error for a new adapter some of whose targets match nothing beside others that match."""
    names = sorted({path.rpartition(".")[2] for path in linears})
    return AdapterError(
        f"target_modules has {', '.join(map(repr, unmatched))}, which match no module of the base; "
        f"leave them out, or name some of: {', '.join(names)}"
    )


def written_kinds(sites: Mapping[str, str], config: BottleneckConfig, model_type: str) -> dict[str, str] | None:
    """The `site_kinds` to keep in the configuration: those that the fork's own table does not say.

    Args:
        sites: path → kind, of all sites of the adapter.
    """
    kinds: dict[str, str] = {}
    for path, kind in sites.items():
        if fork_kind(path, model_type, parallel=config.use_parallel_adapter) == kind:
            continue
        endings = [ending for ending in config.site_kinds or {} if path.endswith(ending)]
        kinds[max(endings, key=len) if endings else path.rpartition(".")[2]] = kind
    return kinds or None


def kind_at(path: str, config: BottleneckConfig, model_type: str) -> str:
    """The kind of the site at `path` under this configuration."""
    return kind_of(path, model_type, parallel=config.use_parallel_adapter, chosen=config.site_kinds)


def _is_inside(path: str, module: str) -> bool:
    return re.match(rf"(^|.*\.){re.escape(module)}($|\..*)", path) is not None


def _listed(config: BottleneckConfig) -> str:
    return repr(config.target_modules if isinstance(config.target_modules, str) else list(config.target_modules or ()))
