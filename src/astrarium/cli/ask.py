"""`astrarium ask`: a question, and the answer as it is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astrarium.cli.console import note, print_json, working
from astrarium.core.errors import TextError

if TYPE_CHECKING:
    from astrarium.model import Conversation, Model, Sampling


def ask(
    question: Annotated[str | None, typer.Argument(help="The question; - reads stdin. Without one: a prompt.")] = None,
    base: Annotated[str | None, typer.Option(help="Base model; by default the adapter's own, or `default`.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Adapter: a folder, a run's folder, or a hub id.")] = None,
    file: Annotated[Path | None, typer.Option(help="Read the question from a file.")] = None,
    template: Annotated[str | None, typer.Option(help="Prompt template: astraios, chat or plain.")] = None,
    max_new_tokens: Annotated[int, typer.Option(help="The most tokens to write.")] = 256,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token; above 0 samples.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Sample from this share of the probability.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
    stop: Annotated[list[str] | None, typer.Option(help="A text that ends the answer; may be given again.")] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the last conversation.")] = False,
    weight_format: Annotated[
        str, typer.Option("--format", help="Weights of the base: auto, fp32, bf16, int8, int4 or gguf.")
    ] = "auto",
    adapter_format: Annotated[str, typer.Option(help="Weights of the adapter: fp32 or bf16.")] = "fp32",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object when the answer is whole.")] = False,
) -> None:
    """Answer a question with a base model and an adapter, written out as it comes.

    Without a question, at a terminal, a small prompt takes one after the other; an empty line ends it.
    """
    from astrarium.model import Sampling, load

    first = _question(question, file)
    if first is None and not sys.stdin.isatty():
        raise typer.BadParameter("give a question, -, or --file")
    if first is not None and not first.strip():
        raise TextError("the question is empty; give some text")
    sampling = Sampling(
        max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, seed=seed, stop=tuple(stop or ())
    )
    talk = _conversation(base, adapter, template, go_on)
    with working(f"loading {talk.base}"):
        model = load(talk.base, talk.adapter, format=weight_format, adapter_format=adapter_format)
    for line in model.notes:
        note(line)
    if first is not None:
        _answer(model, talk, first, sampling, as_json)
        return
    while following := _prompt():
        _answer(model, talk, following, sampling, as_json)


def _question(question: str | None, file: Path | None) -> str | None:
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TextError(f"{file} cannot be read as UTF-8 text: {error}") from error
        return text if question is None else f"{question}\n\n{text}"
    return sys.stdin.read() if question == "-" else question


def _conversation(base: str | None, adapter: str | None, template: str | None, go_on: bool) -> Conversation:
    from astrarium.model import Conversation, base_for

    if not go_on:
        return Conversation(base_for(adapter) if base is None else base, adapter, template)
    talk = Conversation.resume()
    if adapter is not None:
        talk.adapter = adapter
        talk.base = base_for(adapter)
    talk.base = talk.base if base is None else base
    talk.template = talk.template if template is None else template
    return talk


def _answer(model: Model, talk: Conversation, question: str, sampling: Sampling, as_json: bool) -> None:
    talk.add("user", question)
    pieces = []
    for piece in model.stream(talk.turns, template=talk.template, sampling=sampling):
        pieces.append(piece)
        if not as_json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    answer = "".join(pieces)
    if as_json:
        told = {"question": question, "answer": answer, "base": talk.base, "adapter": talk.adapter}
        print_json({**told, "memory_bytes": model.memory()})
    else:
        sys.stdout.write("\n")
    talk.add("assistant", answer.strip())
    talk.save()


def _prompt() -> str:
    try:
        return input("? ").strip()
    except EOFError:
        return ""
