"""`astrarium complete`: fill in the middle of a file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from astrarium.cli import options
from astrarium.cli.console import note, print_json, working
from astrarium.cli.told import told


def complete(
    place: Annotated[str, typer.Argument(help="FILE:LINE, or FILE:LINE:COLUMN, both from 1: where to write.")],
    base: options.Base = None,
    adapter: Annotated[str | None, typer.Option(help="Adapter: a folder, a run's folder, or a hub id.")] = None,
    prefix_only: Annotated[bool, typer.Option("--prefix-only", help="Go on from what stands before, alone.")] = False,
    max_new_tokens: Annotated[int, typer.Option(help="The most tokens to write.")] = 64,
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    top_k: options.TopK = 0,
    min_p: options.MinP = 0.0,
    repetition_penalty: options.RepetitionPenalty = 1.0,
    seed: options.Seed = 0,
    stop: options.Stop = None,
    time_limit: options.TimeLimit = None,
    weight_format: options.WeightFormat = "auto",
    adapter_format: options.AdapterFormat = "fp32",
    any_base: options.AnyBase = False,
    device: options.Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fill in the middle of a file: what should stand at the end of a line, or at a column of it.

    The base must have fill-in-the-middle tokens (StarCoder's do); with --prefix-only any base will do.
    """
    from astrarium.model import Sampling, base_for, load
    from astrarium.text import split_at

    before, after = split_at(place)
    sampling = Sampling(
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        seed=seed,
        stop=tuple(stop or ()),
        time_limit=time_limit,
    )
    options.say_what_greedy_ignores(sampling)
    name = base_for(adapter) if base is None else base
    held: dict[str, Any] = {"format": weight_format, "adapter_format": adapter_format, "device": device}
    with working(f"loading {name}"):
        model = load(name, adapter, **held, any_base=any_base)
    for line in model.notes:
        note(line)
    with working("writing"):
        written = model.completion(before, after, prefix_only=prefix_only, sampling=sampling)
    if as_json:
        about = {"base": name, "adapter": adapter, "format": model.format, "memory_bytes": model.memory()}
        print_json({"place": place, **told(written, model, "completion"), **about})
    else:
        print(written.text)
