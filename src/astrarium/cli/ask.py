"""`astrarium ask`: a question, and the answer as it is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from astrarium.cli import options
from astrarium.cli.console import note, print_json, stdout, working
from astrarium.cli.told import told
from astrarium.core.errors import AstrariumError, TextError
from astrarium.core.texts import from_utf8, read_utf8

if TYPE_CHECKING:
    from astrarium.model import Conversation, Model, Sampling


def ask(
    question: Annotated[str | None, typer.Argument(help="The question; - reads stdin. Without one: a prompt.")] = None,
    base: options.Base = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(help="Adapter: a folder, a run's folder, or a hub id; may be given again, to compare."),
    ] = None,
    with_base: Annotated[bool, typer.Option("--with-base", help="Let the base alone answer, too.")] = False,
    file: Annotated[Path | None, typer.Option(help="Read the question from a file, or what follows it.")] = None,
    template: Annotated[str | None, typer.Option(help="Prompt template: astraios, chat or plain.")] = None,
    max_new_tokens: Annotated[int, typer.Option(help="The most tokens to write.")] = 256,
    temperature: options.Temperature = 0.0,
    top_p: options.TopP = 1.0,
    top_k: options.TopK = 0,
    min_p: options.MinP = 0.0,
    repetition_penalty: options.RepetitionPenalty = 1.0,
    seed: options.Seed = 0,
    stop: options.Stop = None,
    time_limit: options.TimeLimit = None,
    logprobs: Annotated[
        int | None,
        typer.Option(help="With --json: each token's log-probability, and of so many of the likeliest."),
    ] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the last conversation.")] = False,
    weight_format: options.WeightFormat = "auto",
    adapter_format: options.AdapterFormat = "fp32",
    any_base: options.AnyBase = False,
    device: options.Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object when the answer is whole.")] = False,
) -> None:
    """Answer a question with a base model and an adapter, written out as it comes.

    Several adapters answer together, in one batch, and are printed one below the other.

    Without a question, at a terminal, a small prompt takes one after the other; Ctrl-C ends an answer, an empty line
    the prompt.
    """
    from astrarium.model import Sampling, load

    places = adapter or []
    several = len(places) > 1 or with_base
    first = _question(question, file)
    if first is None and not sys.stdin.isatty():
        raise typer.BadParameter("give a question, -, or --file")
    if several and go_on:
        raise typer.BadParameter("a conversation is held with one adapter; leave --continue out to compare")
    if logprobs is not None and not as_json:
        raise typer.BadParameter("--logprobs needs --json")
    if first is not None and not first.strip():
        raise TextError("the question is empty; give some text")
    sampling = Sampling(
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        seed=seed,
        stop=tuple(stop or ()),
        logprobs=logprobs,
        time_limit=time_limit,
    )
    options.say_what_greedy_ignores(sampling)
    talk = _conversation(base, places[0] if places else None, template, go_on)
    worn = {place: place for place in places} if several else talk.adapter
    held: dict[str, Any] = {"format": weight_format, "adapter_format": adapter_format, "device": device}
    with working(f"loading {talk.base}"):
        model = load(talk.base, worn, **held, any_base=any_base)
    for line in model.notes:
        note(line)
    following = first
    while following or (first is None and (following := _prompt())):
        if several:
            names: list[str | None] = [None, *model.adapters] if with_base else [*model.adapters]
            _compare(model, names, talk.template, following, sampling, as_json)
        elif not _answered(model, talk, following, sampling, as_json, at_prompt=first is None):
            raise typer.Exit(_INTERRUPTED)
        following = None


_INTERRUPTED = 130


def _question(question: str | None, file: Path | None) -> str | None:
    if question == "-":
        question = from_utf8(sys.stdin.buffer.read(), "standard input")
    elif question is not None:
        from_utf8(os.fsencode(question), "the question")
    if file is None:
        return question
    text = read_utf8(file)
    return text if question is None else f"{question}\n\n{text}"


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


def _answered(
    model: Model, talk: Conversation, question: str, sampling: Sampling, as_json: bool, *, at_prompt: bool
) -> bool:
    """Answer a question; False where Ctrl-C has ended the command. At the prompt it ends the answer alone."""
    talk.add("user", question)
    try:
        answer, whole = _as_json(model, talk, sampling) if as_json else _written(model, talk, sampling)
    except AstrariumError as error:
        if not at_prompt:
            raise
        talk.turns.pop()
        print(f"error: {error}", file=sys.stderr)
        return True
    talk.add("assistant", answer.strip())
    try:
        talk.save()
    except OSError as error:  # a cache that cannot be written costs --continue, not the answer
        note(f"the conversation is not kept for --continue: {error}")
    return whole or at_prompt


def _as_json(model: Model, talk: Conversation, sampling: Sampling) -> tuple[str, bool]:
    [ticket] = model.answers([talk.turns], template=talk.template, sampling=sampling)
    if ticket.error is not None:
        raise ticket.error
    about = {
        "base": talk.base,
        "adapter": talk.adapter,
        "template": model.template(template=talk.template),
        "format": model.format,
        "memory_bytes": model.memory(),
    }
    print_json({"question": talk.turns[-1]["content"], **told(ticket, model), **about})
    return ticket.text, True


def _written(model: Model, talk: Conversation, sampling: Sampling) -> tuple[str, bool]:
    """The answer as it was written out, and whether it is whole."""
    pieces = []
    whole = True
    try:
        for piece in model.stream(talk.turns, template=talk.template, sampling=sampling):
            pieces.append(piece)
            sys.stdout.write(piece)
            sys.stdout.flush()
    except KeyboardInterrupt:
        whole = False
    sys.stdout.write("\n")
    return "".join(pieces), whole


def _compare(
    model: Model, names: list[str | None], template: str | None, question: str, sampling: Sampling, as_json: bool
) -> None:
    """One question to several adapters; it is no conversation, and not kept as one."""
    with working("writing"):
        tickets = model.answers([question] * len(names), adapter=names, template=template, sampling=sampling)
    for ticket in tickets:
        if ticket.error is not None:
            raise ticket.error
    if as_json:
        answers = [
            {
                "adapter": ticket.adapter,
                "template": model.template(adapter=ticket.adapter, template=template),
                **told(ticket, model),
            }
            for ticket in tickets
        ]
        about = {"base": model.source.name, "format": model.format, "memory_bytes": model.memory()}
        print_json({"question": question, "answers": answers, **about})
        return
    for number, ticket in enumerate(tickets):
        title = f"base {model.source.name}" if ticket.adapter is None else f"adapter {ticket.adapter}"
        stdout.print(f"{chr(10) if number else ''}— {title} —", style="bold", markup=False, soft_wrap=True)
        sys.stdout.write(ticket.text.strip() + "\n")
        sys.stdout.flush()


def _prompt() -> str:
    try:
        return input("? ").strip()
    except (EOFError, KeyboardInterrupt):
        sys.stdout.write("\n")
        return ""
