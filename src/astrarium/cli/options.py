"""Options that several commands share: how tokens are chosen, and how a base is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from astrarium.cli.console import note

if TYPE_CHECKING:
    from astrarium.model import Sampling

Base = Annotated[str | None, typer.Option(help="Base model; by default the adapter's own, or `default`.")]
Temperature = Annotated[float, typer.Option(help="0 takes the likeliest token; above 0 samples.")]
TopP = Annotated[float, typer.Option(help="Sample from this share of the probability.")]
TopK = Annotated[int, typer.Option(help="Sample from so many of the likeliest tokens; 0 for all.")]
MinP = Annotated[float, typer.Option(help="Leave out tokens below this share of the likeliest one's probability.")]
RepetitionPenalty = Annotated[float, typer.Option(help="Above 1: tokens that are there become less likely.")]
Seed = Annotated[int, typer.Option(help="Seed of the sampling.")]
Stop = Annotated[list[str] | None, typer.Option(help="A text that ends the answer; may be given again.")]
TimeLimit = Annotated[float | None, typer.Option(help="Seconds after which the answer ends with what it has.")]
WeightFormat = Annotated[
    str,
    typer.Option(
        "--format",
        help="Weights of the base: auto, fp32, bf16, int8, int4 or gguf. The last three round what layers read, too.",
    ),
]
AdapterFormat = Annotated[str, typer.Option(help="Weights of the adapter: fp32 or bf16.")]
AnyBase = Annotated[bool, typer.Option("--any-base", help="Put an adapter on a base that it does not name.")]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda or cuda:NUMBER.")]

_OF_DRAWING = {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "seed": 0}


def say_what_greedy_ignores(sampling: Sampling) -> None:
    """Options of drawing do nothing where the likeliest token is taken; say so."""
    idle = [f"--{name.replace('_', '-')}" for name, usual in _OF_DRAWING.items() if getattr(sampling, name) != usual]
    if idle and sampling.temperature == 0:
        note(
            f"{', '.join(idle)}: without effect at temperature 0, which takes the likeliest token; raise --temperature"
        )
