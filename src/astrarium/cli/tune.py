"""`astrarium tune`: train one adapter."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from astrarium.cli.console import note, print_json, stderr, stdout

if TYPE_CHECKING:
    from astrarium.tune import Run
    from astrarium.tune.loop import Progress

_SECONDS_BETWEEN_LINES = 10


def tune(
    data: Annotated[
        str | None, typer.Argument(help="Rows: a JSONL, JSON, CSV or Parquet file, or a data set on the hub.")
    ] = None,
    method: Annotated[str, typer.Option(help="lora, ia3, ptuning, adapterh, adapterp, parallel or fft.")] = "lora",
    base: Annotated[str, typer.Option(help="Base model: `default`, a folder, a .gguf file, or a hub id.")] = "default",
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            "--folder",
            help="The run's folder; by default a new one under runs/. Torchrun knows --folder alone.",
        ),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run, as it was begun.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the loss curves of this run, and train nothing.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps; the recipe has 200.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate; the recipe has 1e-4.")] = None,
    schedule: Annotated[str | None, typer.Option(help="cosine, linear or constant; the recipe has cosine.")] = None,
    sequence_length: Annotated[int | None, typer.Option(help="Tokens a sequence; the recipe has 2048.")] = None,
    sequences_per_step: Annotated[int | None, typer.Option(help="Sequences a step; the recipe has 32.")] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA's rank; the recipe has 8.")] = None,
    dora: Annotated[bool, typer.Option("--dora", help="LoRA with DoRA's magnitudes.")] = False,
    rslora: Annotated[bool, typer.Option("--rslora", help="LoRA scaled by the root of its rank.")] = False,
    micro_batch: Annotated[int, typer.Option(help="Sequences that go through the model at once.")] = 1,
    recompute: Annotated[
        float, typer.Option(help="Share of the blocks computed again backward, to save memory.")
    ] = 0.0,
    short: Annotated[
        bool,
        typer.Option(
            "--short",
            help="For minutes on a CPU: 50 steps of 4 × 512 tokens, at a rate of its own, searched on the default.",
        ),
    ] = False,
    auto: Annotated[bool, typer.Option("--auto", help="Choose both by measuring what fits into memory.")] = False,
    packing: Annotated[str, typer.Option(help="pack, concatenate (as Astraios), or pad.")] = "pack",
    loss: Annotated[str, typer.Option(help="answer, or full: the prompt is learned too.")] = "answer",
    template: Annotated[str | None, typer.Option(help="Prompt template: astraios, chat or plain.")] = None,
    fim_rate: Annotated[float, typer.Option(help="Share of the rows that become middles to fill in.")] = 0.0,
    validation: Annotated[float, typer.Option(help="Share of the rows held back.")] = 0.1,
    evaluate_every: Annotated[int | None, typer.Option(help="Steps between validations; the best is kept.")] = None,
    patience: Annotated[int | None, typer.Option(help="End after so many validations without a better one.")] = None,
    sample: Annotated[int, typer.Option(help="Tokens of an answer written to the log at each validation.")] = 0,
    checkpoint_every: Annotated[int | None, typer.Option(help="Steps between checkpoints; a tenth of them.")] = None,
    clip: Annotated[float, typer.Option(help="Largest norm of the gradient.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    dtype: Annotated[str | None, typer.Option(help="Of the base: fp32, bf16, fp16, int8 or int4.")] = None,
    parallel: Annotated[str, typer.Option(help="Between torchrun's processes: ddp or fsdp.")] = "ddp",
    trackers: Annotated[bool, typer.Option(help="Write to TensorBoard and trackio where installed.")] = True,
    prompt_column: Annotated[str, typer.Option(help="Column with the prompts.")] = "prompt",
    completion_column: Annotated[str, typer.Option(help="Column with the completions.")] = "completion",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Train one adapter of any of the seven methods on rows of prompts and completions.

    The Astraios recipe of the method holds where no option says otherwise. A run that was killed or stopped goes on
    with --resume; --plot draws its loss curves.
    """
    if sum(given is not None for given in (data, resume, plot)) != 1:
        raise typer.BadParameter("give one of DATA, --resume RUN and --plot RUN")
    if plot is not None:
        _draw(plot, as_json)
        return
    from astrarium.methods import recipe, short_changes
    from astrarium.tune import Settings, train
    from astrarium.tune import resume as go_on

    with _shown() as show:
        if resume is not None:
            finished = go_on(resume, on_progress=show.step, on_stage=show.stage)
        else:
            settings = Settings(
                packing=packing,
                loss=loss,
                validation=validation,
                template=template,
                fim_rate=fim_rate,
                seed=seed,
                micro_batch=micro_batch,
                clip=clip,
                dtype=dtype,
                recompute=recompute,
                auto=auto,
                checkpoint_every=checkpoint_every,
                evaluate_every=evaluate_every,
                patience=patience,
                sample=sample,
                parallel=parallel,
                trackers=trackers,
            )
            recipe(method)  # an unknown method is told before anything is read
            given = {
                "steps": steps,
                "learning_rate": learning_rate,
                "schedule": schedule,
                "sequence_length": sequence_length,
                "sequences_per_step": sequences_per_step,
                "options": _options(method, rank, dora, rslora),
            }
            said = {name: value for name, value in given.items() if value is not None}
            changes = {**(short_changes(method) if short else {}), **said}
            if method == "ptuning" and packing != "pad":
                note("ptuning takes one row a sequence: its virtual tokens stand before each row")
            finished = train(
                data or "",
                method,
                base,
                run=run,
                settings=settings,
                columns={"prompt_column": prompt_column, "completion_column": completion_column},
                on_progress=show.step,
                on_stage=show.stage,
                **changes,
            )
    if not finished.first:
        return
    if as_json:
        print_json(_as_json(finished))
    else:
        _print(finished)


def _options(method: str, rank: int | None, dora: bool, rslora: bool) -> dict[str, Any] | None:
    """Hyperparameters of LoRA that the command line knows."""
    given: dict[str, Any] = {}
    if rank is not None:
        given |= {"r": rank, "lora_alpha": 2 * rank}  # the recipe's factor of 2
    if dora:
        given["use_dora"] = True
    if rslora:
        given["use_rslora"] = True
    if given and method != "lora":
        raise typer.BadParameter(f"--rank, --dora and --rslora are LoRA's; the method is {method}")
    return given or None


def _draw(run: Path, as_json: bool) -> None:
    from astrarium.tune.plot import draw, in_terminal

    files = draw(run)
    if as_json:
        print_json({"run": str(run), "files": [str(file) for file in files]})
        return
    stdout.print(in_terminal(run, width=min(stdout.width, 100)), markup=False, highlight=False)
    stdout.print(f"drawn: {', '.join(map(str, files))}", markup=False, soft_wrap=True)


def _shown() -> AbstractContextManager[_Shown]:
    """A progress bar at a terminal, a line now and then elsewhere."""
    return _Bar() if stderr.is_terminal else nullcontext(_Lines())


class _Shown(Protocol):
    def stage(self, name: str) -> None:
        """Say what comes next."""

    def step(self, progress: Progress) -> None:
        """Say how a step went."""


class _Bar(AbstractContextManager[_Shown]):
    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            SpinnerColumn(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=stderr)
        self._task: Any = None

    def __enter__(self) -> _Shown:
        self._bar.start()
        self._task = self._bar.add_task("", total=None, figures="")
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def stage(self, name: str) -> None:
        note(name)  # it stays above the bar

    def step(self, progress: Progress) -> None:
        figures = f"loss {progress.loss:.3f}  {progress.tokens_per_second:.0f} tokens/s  left"
        self._bar.update(self._task, total=progress.steps, completed=progress.step, figures=figures)


class _Lines:
    def __init__(self) -> None:
        self._last = time.monotonic()

    def stage(self, name: str) -> None:
        note(name)

    def step(self, progress: Progress) -> None:
        if time.monotonic() - self._last < _SECONDS_BETWEEN_LINES and progress.step != progress.steps:
            return
        self._last = time.monotonic()
        note(
            f"step {progress.step}/{progress.steps}  loss {progress.loss:.3f}  "
            f"{progress.tokens_per_second:.0f} tokens/s  {progress.seconds_left:.0f} s left"
        )


def _as_json(run: Run) -> dict[str, Any]:
    return {
        "method": run.method,
        "run": str(run.path),
        "adapter": str(run.adapter),
        "losses": asdict(run.losses),
        "trained_parameters": run.trained_parameters,
        "rows_used": run.rows_used,
        "rows_too_long": run.rows_too_long,
        "seconds": run.seconds,
        "tokens_per_second": run.tokens_per_second,
    }


def _print(run: Run) -> None:
    from rich.table import Table

    table = Table(title=f"{run.method}: {run.path}", show_header=False)
    table.add_row("rows used", f"{run.rows_used:,}")
    if run.rows_too_long:
        table.add_row("rows left out, too long for a sequence", f"{run.rows_too_long:,}")
    table.add_row("parameters trained", f"{run.trained_parameters:,}")
    table.add_row("validation loss of the base", f"{run.losses.base:.4f}")
    table.add_row("validation loss at the start", f"{run.losses.start:.4f}")
    table.add_row("validation loss at the end", f"{run.losses.end:.4f}", style="bold")
    table.add_row("tokens a second", f"{run.tokens_per_second:,.0f}")
    table.add_row("seconds", f"{run.seconds:,.0f}")
    stdout.print(table)
    option = f"--adapter {run.path}" if run.method != "fft" else f"--base {run.adapter}"
    stdout.print(f'ask it: astrarium ask "…" {option}', markup=False, soft_wrap=True)
