"""The seven methods in a sentence, in mathematics and in a diagram, with the tensors' real shapes where known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from astrarium.report.adapter_facts import TensorGroup
from astrarium.report.diagram import Arrow, Box, drawing, mermaid
from astrarium.report.figures import Figure


@dataclass(frozen=True, slots=True)
class Explained:
    """A method, ready to be told."""

    method: str
    title: str
    sentence: str
    formulas: tuple[str, ...]
    """LaTeX, one displayed equation each."""
    symbols: tuple[tuple[str, str], ...]
    """Symbol in LaTeX and what it is."""
    mermaid: str
    figure: Figure
    mergeable: bool
    """Whether it can be folded into the base's weights."""


_DELTA = r"\Delta(z) = s \cdot W_{\mathrm{up}} f(W_{\mathrm{down}} z)"
_FORMULAS: Mapping[str, tuple[str, ...]] = {
    "lora": (r"y = W x + \frac{\alpha}{r} B A x",),
    "ia3": (r"y = \ell \odot (W x) \quad \text{(keys, values)}", r"y = W (\ell \odot x) \quad \text{(feed-forward)}"),
    "ptuning": (r"X = [ p_1, \dots, p_v, e_1, \dots, e_n ]",),
    "adapterh": (_DELTA, r"y = W (x + \Delta(x)) + c \quad \text{(before)}",
                 r"y = h + \Delta(h), \quad h = W x + c \quad \text{(after)}"),
    "adapterp": (_DELTA, r"y = h + \Delta(h), \quad h = W x + c"),
    "parallel": (_DELTA, r"y = W x + c + \Delta(x)"),
    "fft": (r"W \leftarrow W - \eta \cdot g(W)",),
}  # fmt: skip
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "lora": ("LoRA", "Two thin matrices beside a linear add a change of low rank to its output."),
    "ia3": ("(IA)³", "One learned factor for each channel: keys and values are scaled as they leave their linear, the "
            "feed-forward as it enters its last one."),
    "ptuning": ("P-Tuning", "Learned vectors stand before the prompt's embeddings; no weight of the base is touched."),
    "adapterh": ("AdapterH (Houlsby)", "Small bottlenecks stand before and after the feed-forward part's linears."),
    "adapterp": ("AdapterP (Pfeiffer)", "A small bottleneck follows the last linear of the feed-forward part."),
    "parallel": ("Parallel adapter", "A small bottleneck stands beside the linear that makes queries, keys and values: "
                 "both read the same input, and their outputs are added."),
    "fft": ("Full fine-tuning", "Every weight of the base is trained; there is no adapter."),
}  # fmt: skip


def explain_method(method: str, config: Mapping[str, Any], groups: Sequence[TensorGroup] = ()) -> Explained | None:
    """Tell a method; None where it is not one of the seven.

    Args:
        method: its name.
        config: the adapter's options, as in `adapter_config.json` or a recipe.
        groups: its tensors, for their shapes.
    """
    if method not in _FORMULAS:
        return None
    title, sentence = _SENTENCES[method]
    boxes, arrows = _drawn(method, config)
    alt = f"Where the {title} sits: {sentence}"
    return Explained(
        method, title, sentence, _FORMULAS[method], tuple(_symbols(method, config, groups)),
        mermaid(boxes, arrows), drawing(boxes, arrows, alt), method in ("lora", "ia3"),
    )  # fmt: skip


def _symbols(method: str, config: Mapping[str, Any], groups: Sequence[TensorGroup]) -> list[tuple[str, str]]:
    def shapes(*parts: str) -> str:
        found = {f"`[{', '.join(map(str, g.shape))}]`" for g in groups if any(part in g.pattern for part in parts)}
        return f", here {' and '.join(sorted(found))}" if found else ""

    if method == "lora":
        return [
            ("W", "the frozen weight, `[out, in]`"),
            ("A", f"trained, `[r, in]`{shapes('lora_A')}"),
            ("B", f"trained, `[out, r]`{shapes('lora_B')}; zero at the start, so that training begins at the base"),
            (r"r", f"the rank, {config.get('r')}"),
            (r"\alpha", f"`lora_alpha`, {config.get('lora_alpha')}"),
        ]
    if method == "ia3":
        return [
            (r"\ell", f"trained, one number a channel{shapes('ia3_l')}; one at the start"),
            ("W", "the frozen weight, `[out, in]`"),
        ]
    if method == "ptuning":
        return [
            ("p_i", f"the virtual tokens, {config.get('num_virtual_tokens')} of them, `[virtual tokens, hidden]`"
             f"{shapes('prompt_embeddings')}"),
            ("e_j", "the embeddings of the prompt's own tokens"),
        ]  # fmt: skip
    if method == "fft":
        return [("g(W)", "the optimiser's step"), (r"\eta", "the learning rate")]
    return [
        (r"W_{\mathrm{down}}", f"trained, `[bottleneck, in]`{shapes('adapter_down')}"),
        (r"W_{\mathrm{up}}", f"trained, `[out, bottleneck]`{shapes('adapter_up')}"),
        ("f", f"the non-linearity, {config.get('non_linearity')}"),
        ("s", f"the scaling, {config.get('scaling')}"),
        ("W, c", "the frozen weight and bias"),
    ]


def _drawn(method: str, config: Mapping[str, Any]) -> tuple[list[Box], list[Arrow]]:
    if method in ("lora", "parallel"):
        return _beside(method, config)
    if method == "ptuning":
        virtual = f"{config.get('num_virtual_tokens')} virtual tokens\ntrained"
        return (
            [Box("v", virtual, 0, 0, "adapter"), Box("e", "embeddings of\nthe prompt's tokens", 0, 1, "frozen"),
             Box("c", "one after the other", 1, 0.5), Box("m", "every block of the base", 2, 0.5, "frozen"),
             Box("y", "logits", 3, 0.5)],
            [Arrow("v", "c"), Arrow("e", "c"), Arrow("c", "m"), Arrow("m", "y")],
        )  # fmt: skip
    if method == "ia3":
        return (
            [Box("x", "input x", 0, 0), Box("w", "linear W\nfrozen", 1, 0, "frozen"),
             Box("l", "factors ℓ\ntrained", 2, 1, "adapter"), Box("p", "channel by channel ×", 2, 0),
             Box("y", "output y", 3, 0)],
            [Arrow("x", "w"), Arrow("w", "p"), Arrow("l", "p"), Arrow("p", "y")],
        )  # fmt: skip
    if method == "fft":
        boxes = [Box("x", "input x", 0, 0), Box("w", "linear W\ntrained", 1, 0, "adapter"), Box("y", "output y", 2, 0)]
        return boxes, [Arrow("x", "w"), Arrow("w", "y")]
    return _around(config, before=method == "adapterh")


def _around(config: Mapping[str, Any], *, before: bool) -> tuple[list[Box], list[Arrow]]:
    """Bottlenecks after the feed-forward part, and before it where there is one."""
    size, middle = config.get("bottleneck_size"), f"{config.get('non_linearity')}, up again"
    boxes, arrows, row, last = [Box("x", "input x", 0, 0)], [], 1, "x"
    if before:
        boxes += [Box("d1", f"down to {size}", 0, 1, "adapter"), Box("u1", middle, 1, 1, "adapter")]
        boxes.append(Box("s1", "sum", 2, 0))
        arrows += [Arrow("x", "d1"), Arrow("d1", "u1"), Arrow("u1", "s1"), Arrow("x", "s1")]
        row, last = 3, "s1"
    boxes += [
        Box("w", "feed-forward linears\nfrozen", row, 0, "frozen"), Box("d", f"down to {size}", row, 1, "adapter"),
        Box("u", middle, row + 1, 1, "adapter"), Box("s", "sum", row + 2, 0), Box("y", "output y", row + 3, 0),
    ]  # fmt: skip
    arrows += [Arrow(last, "w"), Arrow("w", "d"), Arrow("d", "u"), Arrow("u", "s"), Arrow("w", "s"), Arrow("s", "y")]
    return boxes, arrows


def _beside(method: str, config: Mapping[str, Any]) -> tuple[list[Box], list[Arrow]]:
    if method == "lora":
        down, up = f"A: down to {config.get('r')}", "B: up again"
    else:
        down, up = f"down to {config.get('bottleneck_size')}", f"{config.get('non_linearity')}, up again"
    boxes = [
        Box("x", "input x", 0, 0.5), Box("w", "linear W\nfrozen", 1, 0, "frozen"), Box("d", down, 1, 1, "adapter"),
        Box("u", up, 2, 1, "adapter"), Box("s", "sum", 3, 0.5), Box("y", "output y", 4, 0.5),
    ]  # fmt: skip
    return boxes, [
        Arrow("x", "w"), Arrow("x", "d"), Arrow("d", "u"), Arrow("w", "s"), Arrow("u", "s"), Arrow("s", "y"),
    ]  # fmt: skip
