"""Rules on running other people's code and giving away one's own secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from astrarium.explain.bases import is_local
from astrarium.explain.context import Context
from astrarium.explain.events import Event, Given
from astrarium.explain.files import place_of
from astrarium.explain.mending import Edit, remove_argument, replace
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import Downloaded, File, Value, constant, options, text_of

_BEGUN = re.compile(r"[\"'](?:hf|api_org)_")
_TOKEN = re.compile(r"^(hf|api_org)_[A-Za-z0-9]{20,}$")


@rule(
    "remote-code-unpinned",
    "warning",
    "code from the hub is run, whatever its owner puts there",
    "`trust_remote_code=True` runs Python from the model's repository; without a pinned revision the owner may "
    "change it any day.",
)
def remote_code_unpinned(script: Context) -> Iterator[Found]:
    """`trust_remote_code=True` without a commit in `revision`."""
    for event in script.events:
        given = event.given("trust_remote_code")
        if (
            given is None
            or constant(given.value) is not True
            or event.short not in ("from_pretrained", "from_config", "pipeline")
        ):
            continue
        revision = event.constant("revision")
        code = event.constant("code_revision")
        pinned = [
            one for one in (revision, code) if isinstance(one, str) and re.fullmatch(r"[0-9a-f]{7,40}|v?\d[\w.]*", one)
        ]
        named_revision = event.given("revision") is not None and revision is None
        source = event.arguments[0].value if event.arguments else Value()
        if pinned or named_revision or event.short == "from_config" or is_local(text_of(source)):
            continue
        yield Found(
            given.node,
            "the repository's own code is run, and no revision is pinned",
            'read that code and pin it: `revision="<commit>"`; or leave `trust_remote_code` out where the library '
            "has the model",
        )


@rule(
    "token-in-source",
    "error",
    "a hub token stands in the source",
    "Whoever sees the script can act as you on the hub, as far as the token reaches.",
)
def token_in_source(script: Context) -> Iterator[Found]:
    """A literal `hf_…`."""
    for node in script.tree.every(cst.SimpleString):
        if not _is_token(node):
            continue
        edits: tuple[Edit, ...] = ()
        for event in script.events:
            for argument in event.arguments:
                if (
                    argument.node.value is node
                    and argument.name in ("token", "use_auth_token")
                    and event.short != "login"
                ):
                    edits = remove_argument(script.tree, event.node, argument.node)
        if not edits and "os" in script.flow.modules and script.flow.scope.find("os") is not None:
            edits = replace(script.tree, node, 'os.environ["HF_TOKEN"]')
        yield Found(
            node,
            "a token of the hub stands in the source",
            "revoke it, then log in once with `hf auth login` or set `HF_TOKEN`; the libraries find it",
            edits,
        )


def _places(script: Context, event: Event, source: Given) -> list[str]:
    """Where a loader reads from, as the flow notes what is written."""
    value = source.value
    opened = [one.place for one in options(value) if isinstance(one, File)]
    return [*opened, place_of(value, script.code(source.node.value), event.function)]


def _is_token(node: cst.SimpleString) -> bool:
    if not _BEGUN.search(node.value):
        return False
    try:
        value = node.evaluated_value
    except Exception:  # an escape that Python refuses
        return False
    return isinstance(value, str) and _TOKEN.match(value) is not None and len(set(value[3:])) > 6


@rule(
    "unpickled-download",
    "error",
    "a downloaded file is unpickled",
    "A pickle can run whatever its author put into it while it is being read.",
)
def unpickled_download(script: Context) -> Iterator[Found]:
    """`pickle`, `joblib` or `torch.load(weights_only=False)` on what came from the network."""
    for event in script.events:
        loader = event.name in ("torch.load",)
        pickle = re.fullmatch(r"(pickle|dill|cloudpickle)\.loads?|joblib\.load|pandas\.read_pickle", event.name)
        if not (loader or pickle) or not event.arguments:
            continue
        weights = event.given("weights_only")
        if loader and (weights is None or constant(weights.value) is not False):
            continue  # torch reads tensors alone since 2.6, unless it is told otherwise
        source = event.arguments[0]
        fetched = any(isinstance(one, Downloaded) for one in options(source.value)) or any(
            place in script.flow.fetched for place in _places(script, event, source)
        )
        text = text_of(event.arguments[0].value) or ""
        if not fetched and not text.startswith(("http://", "https://")):
            continue
        edits = replace(script.tree, weights.node.value, "True") if weights is not None else ()
        yield Found(
            event.node,
            f"`{event.name}` unpickles a downloaded file, and runs what its author put into it",
            "take safetensors, or `torch.load(…, weights_only=True)`",
            edits,
        )
