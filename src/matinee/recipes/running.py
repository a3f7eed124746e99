"""Running a recipe: every variant with every seed, then the table and what else is kept."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from matinee import experiment
from matinee.artefact import Artefact, Facts
from matinee.data.interactions import Interactions
from matinee.engine import Watcher
from matinee.engine.history import lower_is_better
from matinee.engine.memory import peak_mb
from matinee.errors import ArtefactError, ConfigError
from matinee.evaluation import Estimate, Report, evaluate
from matinee.experiment import RunSpec
from matinee.models import Recommender
from matinee.recipes import outputs
from matinee.recipes.card import card
from matinee.recipes.recipe import Recipe
from matinee.recipes.results import Outcome, Trial, over_seeds
from matinee.recipes.tradeoff import save_tradeoff
from matinee.recommendation import Recommendations, recommend, similar
from matinee.splits import Fold, Split

RECIPE, TABLE, CARD, RUNS = "recipe.json", "table.json", "card.md", "runs"
"""What a recipe's folder holds, beside the outputs it asks for."""

Tell = Callable[[str], None]
"""Told which run begins."""


def run(
    recipe: Recipe,
    out: str | Path,
    *,
    data: str | None = None,
    seeds: int | None = None,
    seed: int = 0,
    watcher: Watcher | None = None,
    tell: Tell | None = None,
    resume: bool = False,
) -> Outcome:
    """Go the whole way from raw ratings to the table of a recipe.

    Every variant is trained with every seed by `experiment.train` and judged on the test
    part. Which of them counts is said by the recipe, or chosen by the mean over seeds of a
    metric on the validation part; the test part chooses nothing.

    Args:
        recipe: What to do.
        out: The folder for all of it; made, or an earlier one of a recipe that is replaced.
        data: Other data than the recipe's.
        seeds: Number of seeds, if another.
        seed: The first of them.
        watcher: Told of the progress of each training.
        tell: Told which run begins.
        resume: Keep what an earlier one in the folder has finished and would be the same now, and
            go on with what was cut short.

    Raises:
        MatineeError: On anything that cannot be done; settings are checked before the start.
    """
    started, folder = time.perf_counter(), Path(out)
    chosen = tuple(range(seed, seed + (seeds or recipe.seeds)))
    _check(recipe, chosen[0], data)
    _clear(folder, (RUNS,) if resume else ())
    (folder / RECIPE).write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
    runs = _Runs(recipe, folder / RUNS, data, watcher, tell, resume)
    trials = {name: [runs.trial(name, s) for s in chosen] for name in recipe.all_variants}
    variant = _main(recipe, trials)
    main = [runs.refit(trial) for trial in trials[variant]] if recipe.refit else trials[variant]
    runs.sweep()
    second = _write_outputs(recipe, folder, main[0])
    outcome = Outcome(
        recipe=recipe,
        data=data or recipe.data,
        notice=_notice(recipe, data),
        seeds=chosen,
        variant=variant,
        trials=main,
        variants={name: over_seeds([t.metrics for t in found]) for name, found in trials.items()},
        valid=_valid(recipe, trials),
        second=second,
        listed=_listed(recipe, main[0]),
        similar=_similar(recipe, trials),
        folder=folder,
        seconds=time.perf_counter() - started + sum(facts.seconds for facts in runs.kept),
        peak_mb=max([peak_mb(), *(facts.peak_mb for facts in runs.kept)]),
    )
    _keep(outcome)
    return outcome


@dataclass(frozen=True)
class _Runs:
    """Trains and judges the runs of a recipe, each in a folder of its own."""

    recipe: Recipe
    folder: Path
    data: str | None
    watcher: Watcher | None
    tell: Tell | None
    resume: bool
    kept: list[Facts] = field(default_factory=list[Facts])
    """Of the trainings that were not made anew."""
    places: list[Path] = field(default_factory=list[Path])
    """Where all runs are."""

    def sweep(self) -> None:
        """Leave no run of earlier settings or seeds behind."""
        for run in self.folder.glob("*/*"):
            if run not in self.places:
                shutil.rmtree(run, ignore_errors=True)
        for variant in {*self.folder.iterdir()} - {place.parent for place in self.places}:
            shutil.rmtree(variant, ignore_errors=True)

    def trial(self, variant: str, seed: int) -> Trial:
        self._tell(f"{variant}, seed {seed}")
        spec = self.recipe.spec(variant, seed=seed, data=self.data)
        return self._judged(variant, spec, f"{variant}/seed-{seed}")

    def refit(self, trial: Trial) -> Trial:
        """The same with the validation part trained on as well; nothing is chosen any more."""
        self._tell(f"{trial.variant}, seed {trial.seed}, with the validation part")
        spec = self.recipe.spec(trial.variant, seed=trial.seed, data=self.data)
        best = trial.facts.trainer.get("best_epoch")
        settings = spec.settings | ({} if best is None else {"epochs": best, "patience": None})
        spec = spec.updated({"valid": 0.0, "settings": settings})
        return self._judged(trial.variant, spec, f"{trial.variant}-refit/seed-{trial.seed}")

    def _judged(self, variant: str, spec: RunSpec, place: str) -> Trial:
        data, split = experiment.cut(spec)
        self.places.append(self.folder / place)
        artefact = self._trained(spec, self.places[-1], (data, split))
        report = judge(self.recipe, artefact.model, split.test, split, [*self.recipe.metrics])
        valid, choose = None, self.recipe.choose
        if choose is not None and split.valid is not None:
            found = judge(self.recipe, artefact.model, split.valid, split, [choose])
            valid = next(iter(found.metrics.values())).value
        return Trial(variant, artefact.run, artefact.name, artefact.facts, report, valid)

    def _trained(self, spec: RunSpec, folder: Path, parts: tuple[Interactions, Split]) -> Artefact:
        """What is there already, if it would be the same again, or what comes of a training."""
        facts = experiment.finished(folder, spec) if self.resume else None
        digests = tuple(part.digest for part in parts)
        if facts is not None and (facts.data.digest, facts.split.digest) == digests:
            self.kept.append(facts)
            return Artefact.load(folder)
        train = experiment.complete if self.resume else experiment.train
        return train(spec, folder, parts=parts, watcher=self.watcher)

    def _tell(self, what: str) -> None:
        if self.tell is not None:
            self.tell(what)


def judge(
    recipe: Recipe, model: Recommender, fold: Fold, split: Split, metrics: Sequence[str]
) -> Report:
    """Judge a model with the cut-offs and the threshold of likes that a recipe names."""
    like_at = recipe.like_at
    if like_at == "mean":
        like_at = float(split.train.ratings.mean())
    return evaluate(
        model,
        fold,
        train=split.train,
        metrics=metrics,
        k=recipe.k,
        like_at=experiment.like_at(model) if like_at is None else like_at,
    )


def _check(recipe: Recipe, seed: int, data: str | None) -> None:
    """Build every variant once, so that a mistake shows before the first training."""
    for name in recipe.all_variants:
        ready = experiment.prepare(recipe.spec(name, seed=seed, data=data))
        if (recipe.choose or recipe.refit) and ready.split.valid is None:
            raise ConfigError(
                "there is no validation part to choose by",
                where=recipe.name,
                expected="valid above 0 in [split]",
            )


def _main(recipe: Recipe, trials: Mapping[str, Sequence[Trial]]) -> str:
    """The variant that counts: named, or the best on the validation part."""
    if recipe.choose is None:
        return recipe.main or next(iter(trials))
    valid, sign = _valid(recipe, trials), -1 if lower_is_better(recipe.choose) else 1
    return max(valid, key=lambda name: sign * valid[name])


def _valid(recipe: Recipe, trials: Mapping[str, Sequence[Trial]]) -> dict[str, float]:
    """The metric that chooses, by variant: means over seeds."""
    if recipe.choose is None:
        return {}
    return {name: fmean(t.valid or 0.0 for t in found) for name, found in trials.items()}


def _write_outputs(recipe: Recipe, folder: Path, trial: Trial) -> dict[str, Estimate]:
    """Write what the recipe asks for; gives the figures of the second test, if any."""
    wanted, report = recipe.outputs, trial.report
    tables = {"confusion": report.confusion, "like-confusion": report.like_confusion}
    for name, table in tables.items():
        if table is not None:
            table.write_csv(folder / f"{name}.csv")
    curves = Path(trial.run) / "loss.png"
    if curves.is_file():
        shutil.copyfile(curves, folder / curves.name)
    if not (wanted.splits or wanted.scores or wanted.leave_one_out):
        return {}
    artefact = Artefact.load(trial.run)
    _, split = experiment.cut(experiment.read_spec(trial.run))
    if wanted.splits:
        outputs.save_parts(split, folder, wanted.leave_one_out, seed=trial.seed)
    if wanted.scores:
        outputs.save_scores(artefact.model, split.train, folder / "scores.parquet")
    if wanted.leave_one_out is None:
        return {}
    fold = outputs.leave_one_out(split, wanted.leave_one_out, seed=trial.seed)
    return judge(recipe, artefact.model, fold, split, outputs.SECOND_TEST).metrics


def _keep(outcome: Outcome) -> None:
    """Write the table, as JSON and for people, and the picture of the variants, if asked for."""
    folder, tradeoff = outcome.folder, outcome.recipe.outputs.tradeoff
    text = json.dumps(outcome.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / TABLE).write_text(text + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(outcome), encoding="utf-8")
    if tradeoff is not None:
        save_tradeoff(outcome.variants, tradeoff, folder / outputs.TRADEOFF)


def _listed(recipe: Recipe, trial: Trial) -> Recommendations | None:
    user = recipe.outputs.user
    return None if user is None else recommend(Artefact.load(trial.run), user=user)


def _similar(recipe: Recipe, trials: Mapping[str, Sequence[Trial]]) -> dict[str, Recommendations]:
    title = recipe.outputs.similar
    if title is None:
        return {}
    return {name: similar(Artefact.load(found[0].run), title) for name, found in trials.items()}


def _notice(recipe: Recipe, data: str | None) -> str:
    if data is None or data == recipe.data:
        return recipe.stand_in or ""
    return f"Run on {data} instead of {recipe.data}: no figures were published for it."


def recipe_of(folder: Path) -> str | None:
    """The name of the recipe that a folder is a run of; None if it is none.

    Raises:
        ArtefactError: If the file that tells it cannot be read.
    """
    path = folder / RECIPE
    if not path.is_file():
        return None
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["name"])
    except (ValueError, TypeError, KeyError):
        raise ArtefactError(
            "this does not say which recipe was run",
            where=str(path),
            expected="what `matinee recipes run` writes there",
        ) from None


def _clear(folder: Path, kept: Collection[str] = ()) -> None:
    """Make the folder, or empty it of an earlier run of a recipe but for what is to be kept.

    Raises:
        ArtefactError: If it holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = [path for path in folder.iterdir() if not path.name.startswith(".")]
    if left and not (folder / RECIPE).is_file():
        raise ArtefactError(
            "the folder holds something else than a run of a recipe and is left alone",
            where=str(folder),
            expected="a new or empty folder, or an earlier run of a recipe",
        )
    for name in (TABLE, CARD, *outputs.FILES):
        (folder / name).unlink(missing_ok=True)
    for name in {RUNS, *outputs.FOLDERS}.difference(kept):
        shutil.rmtree(folder / name, ignore_errors=True)
