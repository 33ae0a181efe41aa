"""One training from its first step, or from where it stood, to the adapter in the run's folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from astrarium.core.errors import StoppedError, TuneError
from astrarium.core.files import atomic_folder, write_json
from astrarium.core.memory import available_bytes, gib
from astrarium.methods import Recipe
from astrarium.model import Base
from astrarium.tune.checkpoints import Checkpoints, State, short
from astrarium.tune.fitting import choose, watched
from astrarium.tune.logs import Log
from astrarium.tune.loop import Loop, Progress
from astrarium.tune.loss import mean_loss, pass_of
from astrarium.tune.packing import PackedSequence, flatten
from astrarium.tune.passes.model import Passes
from astrarium.tune.prepare import Prepared, adapted, products_in
from astrarium.tune.processes import Processes, spread, whole
from astrarium.tune.run import Losses, Run, RunFolder
from astrarium.tune.sample import answer_sample
from astrarium.tune.settings import Settings
from astrarium.tune.stopping import Stop, stop_on_signal


@dataclass(slots=True)
class Session:
    """A training and all it needs."""

    base: Base
    own: bool
    """Whether the base was loaded for this training, so that it need not be given back as it was."""
    recipe: Recipe
    settings: Settings
    rows: Prepared
    folder: RunFolder
    processes: Processes
    on_progress: Callable[[Progress], None] | None
    on_stage: Callable[[str], None]

    def run(self) -> Run:
        """Train.

        Raises:
            TuneError: a loss that is no number, a checkpoint that cannot be read or written.
            StoppedError: the user asked to stop; there is a checkpoint to go on from.
        """
        begin = time.monotonic()
        torch.manual_seed(self.settings.seed)
        checkpoints = Checkpoints(self.folder.path, self.settings.keep)
        found = checkpoints.latest(self.folder.id)
        losses = self._loss_of_base()
        # Drawn from the seed alone, so that a resumed training begins with the same adapter.
        torch.manual_seed(self.settings.seed)
        model = adapted(self.base, self.recipe, own=self.own)
        passes: Any = None
        try:
            dtype = products_in(self.base, self.settings, self.recipe)
            passes, note = pass_of(model, dtype, self.rows.pad, self.settings.recompute)
            if note:
                self.on_stage(note)
            model.train()
            if self.settings.auto:
                self._fit(passes)
            module = spread(passes, self.processes, self.settings.parallel)
            state = found.state if found else State(self.folder.id)
            loop = Loop(module, self.rows.sequences, self.recipe, self.settings, state, self.processes)
            losses = self._start(module, losses)
            if found is not None:
                self.on_stage(f"going on from step {state.step}")
                loop.restore(found)
            state.processes = self.processes.count
            log = self._log(state.step)
            try:
                end = self._steps(loop, module, model, checkpoints, log)
            finally:
                log.close()
            losses = replace(losses, end=end)
            where = self._save(model, loop)
            trained = sum(parameter.numel() for parameter in loop.trained().values())
        finally:
            if isinstance(passes, Passes):
                passes.release()
            self._give_back(model)
        seconds = time.monotonic() - begin
        speed = loop.state.tokens / loop.state.seconds
        if self.processes.first:
            self.folder.record(
                state="finished",
                losses=asdict(losses),
                trained_parameters=trained,
                seconds=seconds,
                tokens_per_second=speed,
                steps_done=loop.state.step,
                best_step=loop.state.best_step,
            )
        kept = (self.rows.training, self.rows.validation)
        used, too_long = sum(len(part.fitting) for part in kept), sum(part.too_long for part in kept)
        method, first = self.recipe.method, self.processes.first
        return Run(self.folder.path, where, losses, trained, used, too_long, seconds, speed, method, first)

    def _log(self, step: int) -> Log:
        trackers = self.settings.trackers and self.processes.first
        return Log(self.folder.path, trackers=trackers, facts=self.folder.entries, step=step)

    def _steps(self, loop: Loop, module: nn.Module, model: nn.Module, checkpoints: Checkpoints, log: Log) -> float:
        """Step to the end; the validation loss of what is kept."""
        state, settings, steps = loop.state, self.settings, self.recipe.steps
        every = settings.checkpoint_every or max(1, steps // 10)
        if self.processes.first:
            log.cut(state.step)
            if state.step == 0:
                started = self.folder.entries["losses"]
                entry = {"step": 0, "validation_loss": started["start"], "validation_loss_of_base": started["base"]}
                answered = self.folder.entries.get("sample_of_base")
                log.write({**entry, **({"sample_of_base": answered} if answered else {})})
        self.on_stage("tuning")
        end: float | None = None
        with stop_on_signal() as stop:
            while state.step < steps:
                self._one(loop, log, checkpoints)
                end = None
                due = settings.evaluate_every is not None and state.step % settings.evaluate_every == 0
                if due or state.step == steps:
                    end = self._validate(loop, module, model, log)
                    due = state.best_step == state.step
                over = settings.patience is not None and state.worse >= settings.patience
                stopped = self._stopped(stop)
                if due or over or stopped or state.step % every == 0 or state.step == steps:
                    self._checkpoint(loop, checkpoints)
                if over:
                    self.on_stage(f"no better validation loss since step {state.best_step}: ending early")
                    break
                if stopped and state.step < steps:
                    raise StoppedError(
                        f"stopped after step {state.step} of {steps}, as you asked; its checkpoint is in "
                        f"{checkpoints.path(state.step)}; go on with: astrarium tune --resume {self.folder.path}"
                    )
        if end is None:
            end = self._validate(loop, module, model, log)
        if state.best_step is not None and state.best_step != state.step:
            best = checkpoints.load(state.best_step, self.folder.id)
            loop.load(best.trained, str(best.path))
            self.on_stage(f"keeping the adapter of step {state.best_step}, the best")
            end = state.best_loss if state.best_loss is not None else end
        return end

    def _one(self, loop: Loop, log: Log, checkpoints: Checkpoints) -> None:
        try:
            progress = loop.step()
        except TuneError:
            # The parameters are still those of the step before: keep them.
            if loop.state.step and self.processes.count == 1:
                self._checkpoint(loop, checkpoints)
            raise
        if self.processes.first:
            log.write(progress.to_dict())
            if self.on_progress is not None:
                self.on_progress(progress)

    def _validate(self, loop: Loop, module: nn.Module, model: nn.Module, log: Log) -> float:
        state, settings = loop.state, self.settings
        loss = mean_loss(module, self.rows.held, settings.micro_batch, self.processes)
        if not math.isfinite(loss):
            raise TuneError(
                f"the validation loss after step {state.step} is {loss}; nothing of that step is kept. Lower the "
                f"learning rate in a new run; the earlier checkpoints are in {self.folder.path / 'checkpoints'}"
            )
        if settings.evaluate_every is not None:
            if state.best_loss is None or loss < state.best_loss:
                state.best_loss, state.best_step, state.worse = loss, state.step, 0
            else:
                state.worse += 1
        if self.processes.first:
            entry: dict[str, Any] = {"step": state.step, "validation_loss": loss}
            if self._samples():
                entry["sample"] = answer_sample(model, self.base, self.rows.held, settings.sample)
            log.write(entry)
            if settings.evaluate_every is not None:
                self.on_stage(f"step {state.step}: validation loss {loss:.4f}")
            if "sample" in entry:
                self.on_stage(
                    f"step {state.step}: to a row held back ({entry['sample']['source']}) it answers "
                    f"{entry['sample']['answer']!r}"
                )
        return loss

    def _checkpoint(self, loop: Loop, checkpoints: Checkpoints) -> None:
        trained, optimizer = loop.trained(), loop.optimizer()  # by all: each may hold a part
        if self.processes.first:
            checkpoints.save(loop.state, trained, optimizer)
        self.processes.wait()

    def _stopped(self, stop: Stop) -> bool:
        return self.processes.total(float(stop.asked))[0] > 0

    def _loss_of_base(self) -> Losses:
        known = self.folder.entries.get("losses")
        if known:
            return Losses(**known)
        self.on_stage("measuring the base")
        passes, _ = pass_of(self.base.model, products_in(self.base, self.settings, self.recipe), self.rows.pad, 0)
        loss = mean_loss(passes, self.rows.held, self.settings.micro_batch)
        if self.processes.first and self._samples():
            answered = answer_sample(self.base.model, self.base, self.rows.held, self.settings.sample)
            self.folder.entries["sample_of_base"] = answered  # recorded with the losses, before the first step
        return Losses(loss, loss, loss)

    def _samples(self) -> bool:
        """Whether answers are written to the log: a model that is sharded writes none."""
        return bool(self.settings.sample) and not (self.processes.count > 1 and self.settings.parallel == "fsdp")

    def _start(self, module: nn.Module, losses: Losses) -> Losses:
        """The loss of the untrained adapter, once a run."""
        if "losses" in self.folder.entries:
            return losses
        if self.recipe.peft_type is not None:
            start = mean_loss(module, self.rows.held, self.settings.micro_batch, self.processes)
            losses = replace(losses, start=start, end=start)
        self.folder.entries["losses"] = asdict(losses)
        if self.processes.first:
            self.folder.record()
        return losses

    def _fit(self, passes: nn.Module) -> None:
        """Choose the batch by what fits; the choice is recorded, so that a resumed training has the same."""
        known = self.folder.entries.get("fit")
        if known is None:
            most = len(self.processes.share(self.recipe.sequences_per_step))
            longest = sorted(self.rows.sequences, key=lambda sequence: -len(sequence.ids))
            fit = choose(lambda size, share: _measure(passes, longest[:size], share), most, available_bytes())
            known = {"micro_batch": fit.micro_batch, "recompute": fit.recompute, "bytes": fit.bytes}
            self.on_stage(
                f"a micro-batch of {fit.micro_batch} takes {gib(fit.bytes)}"
                + (f", with {fit.recompute:.0%} of the blocks recomputed" if fit.recompute else "")
            )
            if self.processes.first:
                self.folder.record(fit=known)
        self.settings = replace(
            self.settings, micro_batch=int(known["micro_batch"]), recompute=float(known["recompute"])
        )
        if isinstance(passes, Passes):
            passes.recompute = self.settings.recompute

    def _save(self, model: nn.Module, loop: Loop) -> Path:
        where = self.folder.path / ("model" if self.recipe.peft_type is None else "adapter")
        tensors = _gathered(model) if loop.sharded else None
        if not self.processes.first:
            return where
        try:
            self._write(where, model, tensors)
        except (OSError, SafetensorError) as error:
            raise TuneError(
                f"{where} cannot be written: {short(error)}; the checkpoint of step {loop.state.step} is whole; make "
                f"room, and go on with: astrarium tune --resume {self.folder.path}"
            ) from error
        return where

    def _write(self, where: Path, model: nn.Module, tensors: dict[str, torch.Tensor] | None) -> None:
        with atomic_folder(where) as place:
            own: Any = model
            if self.recipe.peft_type is None:
                own.save_pretrained(place, state_dict=tensors)
                self.base.tokenizer.save(place)
            else:
                # save_embedding_layers=False: peft would ask the hub for the base's vocabulary to decide.
                own.save_pretrained(place, save_embedding_layers=False, state_dict=tensors)
                (place / "README.md").unlink(missing_ok=True)  # peft's stub of a card
            keys = ("method", "recipe", "template", "data_digest", "base", "base_digest", "versions")
            write_json(place / "astrarium.json", {key: self.folder.entries[key] for key in keys})

    def _give_back(self, model: Any) -> None:
        """Take the adapter off, so that the base is what it was."""
        if (
            model is not self.base.model
            and hasattr(model, "unload")
            and not model.active_peft_config.is_prompt_learning
        ):
            model.unload()
        self.base.model.requires_grad_(False).eval()


def _measure(passes: nn.Module, sequences: list[PackedSequence], recompute: float) -> int:
    if isinstance(passes, Passes):
        passes.recompute = recompute
        passes.forget()  # or what an earlier measurement left would not be seen to be taken
    with watched() as peak:
        loss, _ = passes(flatten(sequences))
        loss.backward()
        passes.zero_grad(set_to_none=True)
    return peak.bytes


def _gathered(model: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a sharded model, whole; those that are tied stay one. Every process takes part."""
    found: dict[int, torch.Tensor] = {}
    names: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) not in found:
            found[id(parameter)] = whole(parameter)
        names[name] = found[id(parameter)]
    return names
