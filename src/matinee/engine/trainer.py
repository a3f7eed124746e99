"""The one training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.data.shuffling import stream
from matinee.engine.compiled import CompiledSteps
from matinee.engine.heldout import examples_of
from matinee.engine.history import History, Progress, Record, Watcher
from matinee.engine.interrupt import Interruption
from matinee.engine.optim import clip_gradients, learning_rate, optimizers, tables
from matinee.engine.snapshot import Snapshots, capture, restore
from matinee.errors import ConfigError, StaleCheckpoint, TrainingError
from matinee.models.base import Learned
from matinee.training import TrainerConfig

Validate = Callable[[], dict[str, float]]

CHECK_EVERY = 50
"""Steps between looks at the loss for NaN; each look waits for the device."""
OTHERS = {
    "model": "another model, or other settings of it",
    "config": "other settings of the training",
    "seed": "another seed",
    "data": "other data",
}
"""What is said of a checkpoint that cannot be resumed."""
LOOK_EVERY = 0.2
"""Seconds between reports of progress."""
FLOPS_A_WEIGHT = 6
"""Operations of a step for each dense weight and pass of an example, forward and back."""
SHARED_FROM = 3e8
"""Operations of a step from which handing work to other threads costs less than it saves."""
_NOISE = 2
"""The purpose of random numbers drawn inside a model, such as dropout."""


@dataclass
class _Position:
    """Where the loop is; what a checkpoint holds besides weights."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    examples: int = 0
    seconds: float = 0.0


class Trainer:
    """Trains a model on a view of the data that the model names.

    A run is a function of its data, settings and seed: every random number is drawn from
    (seed, epoch, step), so that a run resumed from any checkpoint ends with the same bits
    as one that was never stopped.

    Args:
        model: What to train; left with its best weights (the last ones without validation).
        data: Training ratings.
        config: Settings of the loop.
        seed: Of order, negatives and dropout.
        validate: Returns validation metrics of the model as it is; None to train blindly.
        folder: Where checkpoints and `metrics.jsonl` go; None keeps nothing on disk.
        watcher: Told of progress.

    Raises:
        ConfigError: If early stopping is asked for without validation.
        TrainingError: If there are no ratings.
    """

    def __init__(
        self,
        model: Learned,
        data: Interactions,
        config: TrainerConfig,
        *,
        seed: int = 0,
        validate: Validate | None = None,
        folder: Path | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        if not len(data):
            raise TrainingError("there are no ratings to train on", expected="one at least")
        if config.patience is not None and validate is None:
            raise ConfigError(
                "early stopping needs a validation part",
                where="patience",
                remedy="Keep some ratings for validation (--valid 0.1) or leave patience unset.",
            )
        self.model, self.config, self.seed = model, config, seed
        self.validate, self.folder, self.watcher = validate, folder, watcher
        self.device = choose_device(config.device)
        model.to(self.device)
        model.prepare(data)
        self.batches = model.batches(data, batch_size=config.batch_size, seed=seed)
        self.optimizers = optimizers(model, config)
        self.history = History(
            monitor=None if validate is None else config.monitor or model.monitor
        )
        self.snapshots = Snapshots(folder / "checkpoint" if folder else None)
        self._identity = {
            "model": {"name": model.name, **model.config.model_dump(mode="json")},
            "config": config.model_dump(),
            "seed": seed,
            "data": data.digest if folder else "",
        }
        self._compiled = CompiledSteps.of(model, self.batches, self.optimizers, config)
        self._loss = torch.compile(model.forward) if config.compile else model.forward
        self._at = _Position()
        self._on_gpu = self.device.type == "cuda"
        self._noisy = any(isinstance(m, torch.nn.Dropout) for m in model.modules())

    def run(self, *, resume: bool = False) -> History:
        """Train to the end, or until early stopping.

        Args:
            resume: Go on from the folder's checkpoint instead of from the start.

        Raises:
            TrainingError: If the loss is no longer a number; the model is left in its last
                good state. Also if the checkpoint cannot be resumed.
            KeyboardInterrupt: After Ctrl-C or SIGTERM, once a checkpoint is written.
        """
        if resume:
            self._resume()
        else:
            self._save()
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng([self.device] if self._on_gpu else []))
            interruption = stack.enter_context(Interruption())
            while not self._finished():
                if self._at.step < len(self.batches):
                    with _threads(self.threads):
                        self._epoch(interruption)
                self._close_epoch()
        self._save()
        if self.history.best is not None:
            restore(self.snapshots.load("best")[0], self.model)
        return self.history

    @property
    def threads(self) -> int:
        """Threads of a step: as many as asked for, else one unless there is much to do."""
        if self.config.threads is not None:
            return self.config.threads
        rows = {id(table) for table in tables(self.model)}
        learned = (w for w in self.model.parameters() if w.requires_grad)
        dense = sum(w.numel() for w in learned if id(w) not in rows)
        work = FLOPS_A_WEIGHT * dense * self.config.batch_size * self.model.passes
        return torch.get_num_threads() if work > SHARED_FROM else 1

    # One epoch

    def _epoch(self, interruption: Interruption) -> None:
        self.model.train()
        at, steps = self._at, len(self.batches)
        # One running sum in float64: the same whether or not a run was cut in between.
        total = torch.tensor(at.loss, dtype=torch.float64, device=self.device)
        looked = started = time.perf_counter()
        while at.step < steps:
            self._advance(total)
            due = interruption.asked or self._checkpoint_due()
            looking = self._compiled or at.step % CHECK_EVERY == 0 or at.step == steps
            if not (due or looking):
                continue
            at.loss, now = self._checked(total), time.perf_counter()
            at.seconds, started = at.seconds + now - started, now
            if now - looked > LOOK_EVERY:
                looked = now
                self._report()
            if due:
                self._save()
                started = time.perf_counter()
            if interruption.asked:
                raise KeyboardInterrupt

    def _advance(self, total: Tensor) -> None:
        """Take a step, or a compiled loop's many, and add the losses of all examples to `total`."""
        at = self._at
        if self._compiled is None:
            loss, examples = self.step(at.epoch, at.step)
            total += loss * examples
            at.examples, at.step = at.examples + examples, at.step + 1
            return
        every = self.config.checkpoint_every or len(self.batches)
        count = min(self._compiled.span, every - at.step % every, len(self.batches) - at.step)
        done = at.epoch * len(self.batches) + at.step
        rates = [self._learning_rate(done + step) for step in range(count)]
        losses, examples = self._compiled.take(at.epoch, at.step, rates, done, self.threads)
        total.fill_(sum(losses, float(total)))
        at.examples, at.step = at.examples + examples, at.step + count

    def step(self, epoch: int, step: int) -> tuple[Tensor, int]:
        """One update: the loss, and the number of examples it is a mean over."""
        batch = self.batches.batch(epoch, step)
        examples = examples_of(batch)
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        if self._noisy:
            seed = int(stream(self.seed, _NOISE, epoch, step).integers(2**62))
            _noise(self.device).manual_seed(seed)
        low = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=low):
            loss = self._loss(batch)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        (loss * examples if self.model.summed else loss).backward()
        if self.config.clip is not None:
            clip_gradients(self.model.parameters(), self.config.clip)
        rate = self._learning_rate(epoch * len(self.batches) + step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        return loss.detach(), examples

    def _learning_rate(self, step: int) -> float:
        return learning_rate(self.config, step, self.config.epochs * len(self.batches))

    def _checked(self, total: Tensor) -> float:
        value = float(total)
        if math.isfinite(value):
            return value
        at = self._at
        if self.snapshots.has("last"):
            restore(self.snapshots.load("last")[0], self.model)
        raise TrainingError(
            "the loss is no longer a number",
            where=f"epoch {at.epoch + 1}, step {at.step}",
            remedy="The last good state is kept. Try a lower learning_rate, or set clip.",
        )

    def _close_epoch(self) -> None:
        """Save, then validate, then write down what happened."""
        self._save()
        at = self._at
        metrics = self._validated(at.epoch + 1)
        record = Record(
            epoch=at.epoch + 1,
            loss=at.loss / max(at.examples, 1),
            learning_rate=self._learning_rate((at.epoch + 1) * len(self.batches) - 1),
            examples=at.examples,
            seconds=at.seconds,
            metrics=metrics,
            compiled=self._compiled is not None,
        )
        self.history.records.append(record)
        if self.history.best is record:
            self.snapshots.save("best", capture(self.model), {"epoch": record.epoch})
        self._at = _Position(epoch=at.epoch + 1)
        if self.folder:
            self.history.save(self.folder / "metrics.jsonl")
        if self.watcher:
            self.watcher.epoch(record)

    def _validated(self, epoch: int) -> dict[str, float]:
        last = epoch == self.config.epochs
        if self.validate is None or (epoch % self.config.validate_every and not last):
            return {}
        self.model.eval()
        metrics = self.validate()
        if self.history.monitor not in metrics:
            raise ConfigError(
                f"the validation does not report {self.history.monitor!r}",
                where="monitor",
                expected="one of " + ", ".join(metrics),
            )
        return metrics

    def _finished(self) -> bool:
        patience = self.config.patience
        if patience is not None and self.history.waited() >= patience:
            self.history.stopped = f"no better for {patience} validations"
            return True
        return self._at.epoch >= self.config.epochs

    def _report(self) -> None:
        if self.watcher is None:
            return
        at, steps = self._at, len(self.batches)
        left = (self.config.epochs - at.epoch) * steps - at.step
        monitor = self.history.monitor
        told = [r.metrics[monitor] for r in self.history.records if monitor in r.metrics]
        self.watcher.progress(
            Progress(
                epoch=at.epoch + 1,
                epochs=self.config.epochs,
                step=at.step,
                steps=steps,
                loss=at.loss / max(at.examples, 1),
                rate=at.examples / max(at.seconds, 1e-9),
                remaining=at.seconds / max(at.step, 1) * left,
                metric=(monitor, told[-1]) if monitor and told else None,
            )
        )

    # Snapshots

    def _checkpoint_due(self) -> bool:
        every, at = self.config.checkpoint_every, self._at
        return every is not None and at.step % every == 0 and at.step < len(self.batches)

    def _save(self) -> None:
        steps, at = len(self.batches), self._at
        if self.folder is None and at.epoch * steps + at.step >= self.config.epochs * steps:
            return  # in memory it is to fall back on, for which there is no more need
        facts = {
            **self._identity,
            "position": asdict(self._at),
            "history": self.history.as_dict(),
        }
        # Nobody resumes from memory: of what is kept there the weights alone are asked for.
        optimizers = self.optimizers if self.folder else ()
        self.snapshots.save("last", capture(self.model, optimizers), facts)

    def _resume(self) -> None:
        tensors, facts = self.snapshots.load("last")
        for key, value in self._identity.items():
            if facts.get(key, value) != value:
                raise StaleCheckpoint(
                    f"the checkpoint was made with {OTHERS[key]}",
                    where=str(self.folder),
                    remedy="Resume with the same data and settings, or start anew.",
                )
        restore(tensors, self.model, self.optimizers)
        self._at = _Position(**facts["position"])
        self.history = History.from_dict(facts["history"])


def _noise(device: torch.device) -> torch.Generator:
    """What dropout on a device draws from.

    `torch.manual_seed` would seed it as well, and tell every other kind of device, which takes
    longer than many a step and is queued, with a traceback, where there is no such device.
    """
    if device.type != "cuda":
        return torch.default_generator
    return torch.cuda.default_generators[device.index or 0]


@contextmanager
def _threads(count: int) -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_device(name: str) -> torch.device:
    """The device of a name; 'auto' is the first GPU where there is one.

    Raises:
        ConfigError: If the name is no device or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(
            f"{name!r} is not a device", where="device", expected="auto, cpu or cuda"
        ) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"there is no device {name!r} here", where="device", remedy="Use 'cpu'.")
    return device


def device_name(device: torch.device) -> str:
    """What people call a device: `cpu`, or the name of the accelerator."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
