"""Training NeuMF: vectors of 8, a tower 64-32-16-8, four negatives, Adam at 1e-3, one epoch.

A quarter of the ratings is trained on, so that no package needs more than half a minute. A batch is
told in examples, negatives included, the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.comparison import Arrays, Comparison, Quality, Task, Work

DIM, TOWER, NEGATIVES, RATE, SEED = 8, (64, 32, 16, 8), 4, 1e-3, 0
EACH = 1 + NEGATIVES
Side = Callable[[Arrays], Task]
Scores = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


def quarter(arrays: Arrays) -> tuple[NDArray[Any], NDArray[Any]]:
    """Every fourth rating: people and films."""
    return arrays["train_users"][::4], arrays["train_items"][::4]


def ours(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        from benchmarks.peers.ease import films
        from matinee.data.interactions import Interactions
        from matinee.engine import Trainer, TrainerConfig
        from matinee.models import Learned, Sizes, build

        data = Interactions.build(*quarter(arrays), catalogue=films(int(arrays["n_items"])))
        settings = {"dim": DIM, "tower": TOWER, "negatives": NEGATIVES}
        loop = TrainerConfig(
            epochs=1, batch_size=batch, learning_rate=RATE, threads=2 if batch > 1000 else 1
        )

        def run() -> Any:
            model = build("neumf", settings, Sizes.of(data))
            assert isinstance(model, Learned)
            Trainer(model, data, loop).run()
            return model.eval()

        def judged(model: Any) -> Quality:
            import torch

            place = {int(user): row for row, user in enumerate(np.unique(quarter(arrays)[0]))}
            assert len(place) == data.n_users

            def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
                rows = torch.tensor([place[int(user)] for user in users])
                with torch.no_grad():
                    people, films = model.users(rows), model.items(torch.from_numpy(items))
                    return model.logits(people, films[:, None])[:, 0].numpy()

            return judge(arrays, scores)

        return Task(run, judged)

    return side


def recbole(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        import torch

        from benchmarks.peers.recbole_data import prepared

        config, dataset, loader = prepared(*quarter(arrays), batch=batch, negatives=NEGATIVES)
        from recbole.model.general_recommender import NeuMF
        from recbole.trainer import Trainer

        def run() -> Any:
            model = NeuMF(config, dataset)
            Trainer(config, model)._train_epoch(loader, 0, show_progress=False)
            return model.eval()

        def judged(model: Any) -> Quality:
            def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
                known = dataset.field2token_id["item_id"]
                people = [dataset.token2id("user_id", str(user)) for user in users]
                films = [known.get(str(item), 0) for item in items]
                with torch.no_grad():
                    return model(torch.tensor(people), torch.tensor(films)).numpy()

            return judge(arrays, scores)

        return Task(run, judged)

    return side


def cornac(batch: int) -> Side:
    def side(arrays: Arrays) -> Task:
        import torch
        from cornac.data import Dataset
        from cornac.models import NeuMF

        users, items = quarter(arrays)
        pairs = zip(users.tolist(), items.tolist(), strict=True)
        data = Dataset.from_uir([(user, item, 1.0) for user, item in pairs])
        settings = {"num_factors": DIM, "layers": TOWER, "num_neg": NEGATIVES, "lr": RATE}

        def run() -> Any:
            torch.set_num_threads(2)
            model = NeuMF(
                **settings, num_epochs=1, batch_size=batch // EACH, backend="pytorch", verbose=False
            )
            return model.fit(data)

        def judged(model: Any) -> Quality:
            known = {int(user): model.score(row) for user, row in data.uid_map.items()}
            places = data.iid_map

            def scores(users: NDArray[Any], items: NDArray[Any]) -> NDArray[Any]:
                pairs = zip(users.tolist(), items.tolist(), strict=True)
                told = [known[u][places[i]] if i in places else 0.0 for u, i in pairs]
                chances = np.clip(np.array(told), 1e-7, 1 - 1e-7)
                return np.log(chances / (1 - chances))

            return judge(arrays, scores)

        return Task(run, judged)

    return side


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
    """Three products for each weight of the tower and example, the person's half shared."""
    first = TOWER[0] // 2 * TOWER[1]
    rest = sum(wide * narrow for wide, narrow in pairwise(TOWER[1:]))
    examples = EACH * len(quarter(arrays)[0])
    a_person, a_film = first, first + rest + 2 * DIM
    operations = 6 * (examples / EACH * a_person + examples * a_film)
    return Work(operations, bytes=examples * 3 * 2 * 4 * (DIM + TOWER[0] // 2))


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
