"""People of whom a part is shown and a part is to be found."""

from __future__ import annotations

import numpy as np
import torch

from matinee.data.batches import HalvedBatches
from matinee.data.interactions import Interactions
from support.boards import checkerboard


def everything(batches: HalvedBatches, epoch: int) -> list[tuple[list[int], list[bool]]]:
    """The films of each person of an epoch, and which are shown."""
    found: list[tuple[list[int], list[bool]]] = []
    for step in range(len(batches)):
        batch = batches.batch(epoch, step)
        for row in range(int(batch["rows"][-1]) + 1):
            own = batch["rows"] == row
            found.append((batch["items"][own].tolist(), batch["shown"][own].tolist()))
    return found


def test_an_epoch_has_everyone_once_with_all_their_films() -> None:
    data = checkerboard()
    people = everything(HalvedBatches(data, batch_size=7, seed=0), epoch=0)
    expected = [data.items[data.users == user].tolist() for user in range(data.n_users)]
    assert sorted(films for films, _ in people) == sorted(expected)


def test_people_without_ratings_are_left_out() -> None:
    data = checkerboard()
    data = data.take(data.users != 3)
    assert len(everything(HalvedBatches(data, batch_size=7, seed=0), epoch=0)) == data.n_users - 1


def test_what_is_shown_changes_with_the_epoch_and_the_seed_alone() -> None:
    data = checkerboard()
    first = [everything(HalvedBatches(data, batch_size=7, seed=s), e) for s, e in ((0, 0), (0, 0))]
    other = [everything(HalvedBatches(data, batch_size=7, seed=s), e) for s, e in ((0, 1), (1, 0))]
    assert first[0] == first[1]
    assert other[0] != first[0] != other[1]


def test_people_show_shares_from_nothing_to_everything() -> None:
    """Shares are uniform: their mean is 1/2 and their deviation √(1/12), in 2000 people."""
    users, items = np.divmod(np.arange(2000 * 50), 50)
    batches = HalvedBatches(Interactions.build(users, items), batch_size=2000, seed=0)
    shares = batches.batch(0, 0)["shown"].float().view(2000, 50).mean(1)
    torch.testing.assert_close(shares.mean(), torch.tensor(0.5), atol=0.02, rtol=0)
    torch.testing.assert_close(
        shares.std(), torch.tensor((1 / 12 + 1 / 300) ** 0.5), atol=0.02, rtol=0
    )
