"""`astrarium complete`: fill in the middle of a file."""

from __future__ import annotations

from typing import Annotated

import typer

from astrarium.cli.console import note, print_json, working


def complete(
    place: Annotated[str, typer.Argument(help="FILE:LINE, or FILE:LINE:COLUMN, both from 1: where to write.")],
    base: Annotated[str | None, typer.Option(help="Base model; by default the adapter's own, or `default`.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Adapter: a folder, a run's folder, or a hub id.")] = None,
    prefix_only: Annotated[bool, typer.Option("--prefix-only", help="Go on from what stands before, alone.")] = False,
    max_new_tokens: Annotated[int, typer.Option(help="The most tokens to write.")] = 64,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token; above 0 samples.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
    stop: Annotated[list[str] | None, typer.Option(help="A text that ends the completion; may be given again.")] = None,
    weight_format: Annotated[
        str, typer.Option("--format", help="Weights of the base: auto, fp32, bf16, int8, int4 or gguf.")
    ] = "auto",
    adapter_format: Annotated[str, typer.Option(help="Weights of the adapter: fp32 or bf16.")] = "fp32",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fill in the middle of a file: what should stand at the end of a line, or at a column of it.

    The base must have fill-in-the-middle tokens (StarCoder's do); with --prefix-only any base will do.
    """
    from astrarium.model import Sampling, base_for, load
    from astrarium.text import split_at

    before, after = split_at(place)
    sampling = Sampling(max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, stop=tuple(stop or ()))
    name = base_for(adapter) if base is None else base
    with working(f"loading {name}"):
        model = load(name, adapter, format=weight_format, adapter_format=adapter_format)
    for line in model.notes:
        note(line)
    with working("writing"):
        written = model.complete(before, after, prefix_only=prefix_only, sampling=sampling)
    if as_json:
        print_json({"place": place, "completion": written, "base": name, "adapter": adapter})
    else:
        print(written)
