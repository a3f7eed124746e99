"""Training NeuMF: vectors of 8, a tower 64-32-16-8, four negatives, Adam at 1e-3, one epoch.

A quarter of the ratings is trained on, so that no package needs more than half a minute. A batch is
told in examples, negatives included, the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work
from benchmarks.peers.ease import films

NEGATIVES, RATE, SEED = 4, 1e-3, 0
EACH = 1 + NEGATIVES
Side = Callable[[Arrays], Task]
Scores = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Size:
    """Of a NeuMF: the width of its product, and those of its tower, from the two vectors up."""

    dim: int
    tower: tuple[int, ...]

    @property
    def ours(self) -> dict[str, Any]:
        """In our words."""
        return {"dim": self.dim, "tower": self.tower, "negatives": NEGATIVES}

    @property
    def recbole(self) -> dict[str, Any]:
        """In RecBole's."""
        first, *rest = self.tower
        widths = {"mlp_embedding_size": first // 2, "mlp_hidden_size": rest}
        return {"mf_embedding_size": self.dim, **widths}

    @property
    def cornac(self) -> dict[str, Any]:
        """In cornac's."""
        return {"num_factors": self.dim, "layers": self.tower, "num_neg": NEGATIVES}


SMALL = Size(8, (64, 32, 16, 8))


def quarter(arrays: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every fourth rating: people and films."""
    return arrays["train_users"][::4], arrays["train_items"][::4]


PAIRS = 1 << 16
"""People and films scored at a time when a model is judged."""


def ours(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        from matinee.engine import Trainer, TrainerConfig
        from matinee.models import Learned, Sizes, build

        data = interactions(arrays)
        loop = TrainerConfig(
            epochs=1, batch_size=batch, learning_rate=RATE, threads=2 if batch > 1000 else 1
        )

        def run() -> Any:
            model = build("neumf", SMALL.ours, Sizes.of(data))
            assert isinstance(model, Learned)
            Trainer(model, data, loop).run()
            return model.eval()

        def judged(model: Any) -> Quality:
            people = np.unique(quarter(arrays)[0])
            assert len(people) == data.n_users
            return judge(arrays, our_scores(model, people))

        compile_loop(data, SMALL.ours, loop)
        return Task(run, judged)

    return side


def interactions(arrays: Arrays) -> Any:
    """The quarter as we read it."""
    from matinee.data.interactions import Interactions

    return Interactions.build(*quarter(arrays), catalogue=films(int(arrays["n_items"])))


def compile_loop(data: Any, settings: dict[str, Any], loop: Any) -> None:
    """Train on a batch for an epoch, so that what is compiled is, off the clock."""
    from matinee.engine import fit
    from matinee.models import Sizes, build

    few = data.take(np.arange(min(loop.batch_size, len(data))))
    fit(build("neumf", settings, Sizes.of(few)), few, loop.updated({"epochs": 1}))


def our_scores(model: Any, people: NDArray[Any]) -> Scores:
    """Logits of a model of ours; `people` are those of its rows, ascending."""
    import torch

    def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
        rows = torch.from_numpy(np.searchsorted(people, users))
        with torch.no_grad():
            films = model.items(torch.from_numpy(items))
            return model.logits(model.users(rows), films[:, None])[:, 0].numpy()

    return in_parts(scores)


def recbole(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        from benchmarks.peers.recbole_data import prepared

        settings = SMALL.recbole
        config, dataset, loader = prepared(
            *quarter(arrays), settings, batch=batch, negatives=NEGATIVES
        )
        from recbole.model.general_recommender import NeuMF
        from recbole.trainer import Trainer

        def run() -> Any:
            model = NeuMF(config, dataset)
            Trainer(config, model)._train_epoch(loader, 0, show_progress=False)
            return model.eval()

        return Task(run, lambda model: judge(arrays, recbole_scores(model, dataset)))

    return side


def recbole_scores(model: Any, dataset: Any) -> Scores:
    """Logits of RecBole's model; a film that it does not know has those of its padding."""
    import torch

    people, films = (dataset.field2token_id[field] for field in ("user_id", "item_id"))

    def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
        rows = torch.tensor([people[str(user)] for user in users])
        columns = torch.tensor([films.get(str(item), 0) for item in items])
        with torch.no_grad():
            return model(rows, columns).numpy()

    return in_parts(scores)


def cornac(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        import torch
        from cornac.models import NeuMF

        data, settings = cornac_data(*quarter(arrays)), cornac_settings(SMALL, batch)

        def run() -> Any:
            torch.set_num_threads(2)
            return NeuMF(**settings, num_epochs=1).fit(data)

        return Task(run, lambda model: judge(arrays, cornac_scores(model, data)))

    return side


def cornac_data(users: NDArray[Any], items: NDArray[Any]) -> Any:
    """Cornac's own view of ratings."""
    from cornac.data import Dataset

    pairs = zip(users.tolist(), items.tolist(), strict=True)
    return Dataset.from_uir([(user, item, 1.0) for user, item in pairs])


def cornac_settings(size: Size, batch: int) -> dict[str, Any]:
    """The model and loop in cornac's words, whose batches count positives."""
    loop = {"lr": RATE, "batch_size": batch // EACH}
    return {**size.cornac, **loop, "backend": "pytorch", "verbose": False}


def cornac_scores(model: Any, data: Any) -> Scores:
    """Logits of cornac's model; a film that it does not know has 0."""
    import torch

    def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
        rows = torch.tensor([data.uid_map[user] for user in users.tolist()])
        places = np.array([data.iid_map.get(item, -1) for item in items.tolist()])
        with torch.no_grad():
            told = model.model(rows, torch.from_numpy(places.clip(0))).numpy().astype(np.float64)
        chances = np.clip(told, 1e-7, 1 - 1e-7)
        return np.where(places < 0, 0.0, np.log(chances / (1 - chances)))

    return in_parts(scores)


def in_parts(scores: Scores) -> Scores:
    """The same, some pairs at a time."""

    def all_scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
        parts = [slice(at, at + PAIRS) for at in range(0, len(users), PAIRS)]
        return np.concatenate([scores(users[part], items[part]) for part in parts])

    return all_scores


def judge(arrays: Arrays, scores: Scores) -> Quality:
    """Log loss on 2,000 held-out ratings, each beside four films drawn from all."""
    random = np.random.default_rng(SEED)
    known = np.unique(quarter(arrays)[0])
    rows = random.permutation(np.flatnonzero(np.isin(arrays["test_users"], known)))[:2_000]
    users = np.repeat(arrays["test_users"][rows], EACH)
    items = random.integers(int(arrays["n_items"]), size=len(users))
    items[::EACH] = arrays["test_items"][rows]
    sign = np.where(np.arange(len(users)) % EACH == 0, -1, 1)
    return {"log loss": float(np.logaddexp(0, sign * scores(users, items)).mean())}


def work(arrays: Arrays) -> Work:
    """Of an epoch on the quarter."""
    return least(SMALL, len(quarter(arrays)[0]))


def least(size: Size, positives: float) -> Work:
    """Three products for each weight of the tower and example, the person's half shared."""
    dim, tower = size.dim, size.tower
    first = tower[0] // 2 * tower[1]
    rest = sum(wide * narrow for wide, narrow in pairwise(tower[1:]))
    a_person, a_film = first, first + rest + 2 * dim
    operations = 6 * positives * (a_person + EACH * a_film)
    return Work(operations, bytes=positives * EACH * 3 * 2 * 4 * (dim + tower[0] // 2))


def comparison(batch: int, bar: float) -> Comparison:
    """The comparison at one batch."""
    return Comparison(
        title=f"An epoch of NeuMF at a batch of {batch}, on a quarter of the ratings",
        bar=bar,
        sides={"matinee": ours(batch), "recbole": recbole(batch), "cornac": cornac(batch)},
        work=work,
        counted="three products a weight and example; a film's row and means read and written",
        tolerance=None,
    )
