"""`train`: from rows to a run with an adapter in it; `resume`: on from where a run stood."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from astrarium.core.errors import TuneError
from astrarium.data import Row, digest, fill_in_middle, read_rows, split_rows
from astrarium.methods import recipe
from astrarium.model import Base
from astrarium.tune.checkpoints import record_of, short
from astrarium.tune.loop import Progress
from astrarium.tune.prepare import changed, load, prepare
from astrarium.tune.processes import Processes, joined
from astrarium.tune.run import Run, RunFolder, free_folder, new_id, versions
from astrarium.tune.session import Session
from astrarium.tune.settings import Settings

Rows = Sequence[Row] | str | Path


def train(
    rows: Rows,
    method: str = "lora",
    base: str | Base = "default",
    *,
    run: str | Path | None = None,
    settings: Settings | None = None,
    columns: Mapping[str, str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] = lambda stage: None,
    **changes: Any,
) -> Run:
    """Tune an adapter on rows.

    Args:
        rows: the rows, or where to read them.
        method: one of the seven; its Astraios recipe holds unless `changes` says otherwise.
        base: the name of a base model, or one that is loaded already; that one is given back as it was.
        run: the run's folder; by default a new one under `runs/`.
        settings: what is not the recipe's to say.
        columns: `prompt_column` and `completion_column`, where rows are read and have other names there.
        on_progress: called after each step.
        on_stage: called with what comes next, in words: loading, measuring, tuning; and with what the user should know.
        **changes: fields of the recipe, such as `steps=20` or `learning_rate=1e-3`; a step count of less than the
            recipe's shortens the warm-up in proportion.

    Raises:
        MethodError: an unknown method, or a base without the recipe's sites.
        DataError: rows that cannot be read or split.
        TuneError: a setting out of range, no row that fits, a folder that exists, a loss that is no number.
        StoppedError: Ctrl-C; the run can be resumed.
    """
    settings = settings or Settings()
    chosen = changed(recipe(method), changes)
    where = str(Path(rows).absolute()) if isinstance(rows, (str, Path)) and Path(rows).exists() else rows
    entries = {
        "state": "running",
        "id": new_id(),
        "method": method,
        "changes": changes,
        "recipe": chosen.to_dict(),
        "settings": settings.to_dict(),
        "data": str(where) if isinstance(where, (str, Path)) else None,
        "columns": dict(columns or {}),
        "versions": versions(),
    }
    read = _read(rows, columns or {})
    on_stage(f"{len(read)} rows")
    with joined() as processes:
        folder = _folder(run, method, base if isinstance(base, str) else base.source.name, entries, processes)
        # One id for all, and no folder is made before all have seen that there is none.
        entries["id"] = processes.agree(str(entries["id"]))
        return _trained(read, base, folder, processes, on_progress, on_stage)


def resume(
    run: str | Path,
    *,
    rows: Rows | None = None,
    base: Base | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Run:
    """Go on with a run that was killed or stopped, from its last checkpoint, to the end it would have come to.

    Args:
        run: the run's folder.
        rows: the same rows again, where the training was given rows and not a file.
        base: the base, where it is loaded already.
        on_progress: called after each step.
        on_stage: as for `train`.

    Raises:
        TuneError: it is no run, is finished, or its data, base or checkpoint are not those that it began with.
        StoppedError: Ctrl-C, again.
    """
    path = Path(run)
    entries = _entries(path)
    if entries.get("state") == "finished":
        raise TuneError(f"{path} is finished; its adapter is in {path / 'adapter'}")
    source = rows if rows is not None else record_of(entries, "data", path)
    if source is None:
        raise TuneError(
            f"{path} was trained on rows that were given in Python; give them again, as in resume(…, rows=)"
        )
    read = _read(source, record_of(entries, "columns", path))
    with joined() as processes:
        folder = RunFolder(path, entries)
        return _trained(read, base or str(record_of(entries, "base", path)), folder, processes, on_progress, on_stage)


def _trained(
    rows: Sequence[Row],
    base: str | Base,
    folder: RunFolder,
    processes: Processes,
    on_progress: Callable[[Progress], None] | None,
    on_stage: Callable[[str], None],
) -> Run:
    entries = folder.entries
    try:
        settings = Settings(**record_of(entries, "settings", folder.path))
        changes = dict(record_of(entries, "changes", folder.path))
    except (TypeError, ValueError) as error:
        raise TuneError(f"{folder.path / 'run.json'} is damaged: {short(error)}") from error
    chosen = changed(recipe(str(record_of(entries, "method", folder.path))), changes)
    say = on_stage if processes.first else lambda stage: None
    processes.share(chosen.sequences_per_step)
    kept, held = split_rows(rows, settings.validation, settings.seed)
    own = not isinstance(base, Base)
    if isinstance(base, Base):
        loaded = base
    else:
        say(f"loading {base}")
        loaded = load(base, settings, chosen, say)
    for note in loaded.notes if own else ():
        say(note)
    chosen.peft_config(loaded.source.config)  # a base without the recipe's sites is told before anything is written
    if settings.fim_rate:
        kept, held = (fill_in_middle(part, settings.fim_rate, settings.seed) for part in (kept, held))
        say(f"{kept.report.middles + held.report.middles} of {len(rows)} rows are middles to fill in")
    prepared = prepare(kept, held, loaded, chosen, settings)
    new = {
        "template": prepared.template.name,
        "data_digest": digest(rows),
        "rows": {
            "training": len(prepared.training.fitting),
            "validation": len(prepared.validation.fitting),
            "too_long": prepared.training.too_long + prepared.validation.too_long,
        },
        "base": loaded.source.lasting_name,
        "base_digest": loaded.source.digest(),
    }
    _same(folder, new)
    for part in (prepared.training, prepared.validation):
        if part.too_long:
            say(f"{part.too_long} rows are left out: longer than {chosen.sequence_length} tokens, as {part.longest}")
    with folder.held(processes.first):
        folder.path = Path(processes.agree(str(folder.path)))
        if processes.first:
            folder.record(**new, state="running")
        return Session(loaded, own, chosen, settings, prepared, folder, processes, on_progress, say).run()


def _same(folder: RunFolder, new: dict[str, Any]) -> None:
    """See that a resumed run has the data and the base that it began with."""
    for key, what in (("data_digest", "the data"), ("base_digest", "the base")):
        before = folder.entries.get(key)
        if before is not None and before != new[key]:
            raise TuneError(
                f"{what} is not what {folder.path} began with (digest {new[key][:12]}, it was {before[:12]}); "
                "give it back as it was, or begin a new run"
            )


def _folder(run: str | Path | None, method: str, base: str, entries: dict[str, Any], processes: Processes) -> RunFolder:
    # Of several processes the first names it: the others could see it made already.
    path = Path(run) if run is not None else Path(processes.agree(str(free_folder(method, base))))
    return RunFolder(path, entries, fresh=True, named=run is not None)


def _read(rows: Rows, columns: Mapping[str, str]) -> Sequence[Row]:
    return read_rows(rows, **columns) if isinstance(rows, (str, Path)) else rows


def _entries(path: Path) -> dict[str, Any]:
    file = path / "run.json"
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TuneError(f"{path} is no run: it has no run.json; expected a folder that tune has written") from error
    except (OSError, ValueError) as error:
        raise TuneError(f"{file} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(entries, dict):
        raise TuneError(f"{file} holds no object; expected what tune has written")
    return entries
