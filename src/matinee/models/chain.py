"""The chain that samples a Bayesian factorisation: its state, and one sweep over it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from matinee.data.interactions import Interactions, Scale
from matinee.models import ordinal
from matinee.models.gibbs import Draws, Features, Ratings, Side
from matinee.models.layers import row_chunks


class Chain:
    """All that is drawn; vectors carry the bias in their last column.

    Args:
        data: The ratings.
        dim: Width of the vectors, without the bias.
        user_fields: Names of the people's fields; 'history' is which films they rated.
        item_fields: Names of the films' fields; 'audience' is who rated them.
        levels: Whether stars are levels, or else numbers.
        steadiness: Whether each person and film has noise of its own.
        seed: Of all that is drawn.
        device: Where it happens.
    """

    def __init__(
        self,
        data: Interactions,
        *,
        dim: int,
        user_fields: Iterable[str],
        item_fields: Iterable[str],
        levels: bool,
        steadiness: bool,
        seed: int,
        device: torch.device,
    ) -> None:
        self._draws = draws = Draws(seed, device)
        self._user_of = torch.from_numpy(data.users.astype("int64")).to(device)
        self._item_of = torch.from_numpy(data.items.astype("int64")).to(device)
        ratings = torch.tensor(data.ratings, device=device)
        self.mean = ratings.mean()
        fields = {**data.user_fields, "history": _shares(data.matrix())}
        features = Features(data.n_users, [csr_array(fields[name]) for name in user_fields])
        by_user = Ratings.by(self._user_of, data.n_users, self._item_of)
        self.people = Side(by_user, features, dim + 1, draws)
        fields = {**data.item_fields, "audience": _shares(csr_array(data.matrix().T))}
        features = Features(data.n_items, [csr_array(fields[name]) for name in item_fields])
        by_item = Ratings.by(self._item_of, data.n_items, self._user_of)
        self.films = Side(by_item, features, dim + 1, draws)
        self.noise = torch.ones((), device=device)
        self._steadiness = steadiness
        self._target = ratings  # the ratings, or the variable that levels are cut from
        self._levels, self.cuts = None, ratings.new_zeros(0, dtype=torch.float64)
        if levels:
            self.cuts = _midpoints(data.scale).to(device)
            self._levels = torch.bucketize(ratings.double(), self.cuts)

    def sweep(self) -> None:
        """Draw everything once, each part given all others."""
        people, films = self.people, self.films
        precision = self.noise * self._precision()
        people.draw(
            regressors(films.vectors),
            self._target - self.mean - films.vectors[self._item_of, -1],
            precision,
        )
        films.draw(
            regressors(people.vectors),
            self._target - self.mean - people.vectors[self._user_of, -1],
            precision,
        )
        centre = self._centre()
        self._draw_noise((self._target - centre).square())
        if self._levels is not None:
            self._draw_target(self._levels, centre)

    def _draw_noise(self, squares: Tensor) -> None:
        """The common precision, and how much steadier or less so each person and film is."""
        people, films = self.people, self.films
        if self._steadiness:
            share = self.noise * squares
            people.draw_steadiness(self._user_of, share * films.steadiness[self._item_of])
            films.draw_steadiness(self._item_of, share * people.steadiness[self._user_of])
        # Two levels have one cut point, which does not tell the scale of what is cut.
        if self._levels is None or len(self.cuts) > 1:
            self.noise = self._draws.precision(len(squares), (squares * self._precision()).sum())

    def _draw_target(self, levels: Tensor, centre: Tensor) -> None:
        sharpness = (self.noise * self._precision()).sqrt()
        noise = self._draws.normal(len(self.cuts))
        self.cuts = ordinal.draw_cuts(self.cuts, levels, centre, sharpness, noise)
        uniform = self._draws.uniform(len(levels))
        for at in row_chunks(len(levels), 1):
            self._target[at] = ordinal.draw_latent(
                self.cuts, levels[at], centre[at], sharpness[at], uniform[at]
            )

    def _precision(self) -> Tensor:
        """How much steadier than usual each rating is, `[m]`."""
        return self.people.steadiness[self._user_of] * self.films.steadiness[self._item_of]

    def _centre(self) -> Tensor:
        """What each rating is expected to be, `[m]`."""
        people, films = self.people.vectors, self.films.vectors
        found = torch.empty_like(self._target)
        for at in row_chunks(len(found), people.shape[1]):
            mine, its = people[self._user_of[at]], films[self._item_of[at]]
            found[at] = (mine * its)[:, :-1].sum(1) + mine[:, -1] + its[:, -1]
        return found + self.mean


def regressors(vectors: Tensor) -> Tensor:
    """What the other side's vectors are multiplied with: a bias counts once."""
    return torch.cat([vectors[..., :-1], torch.ones_like(vectors[..., :1])], -1)


def _shares(matrix: csr_array) -> csr_array:
    """The rows of a matrix of ones, each divided by the root of how many it has."""
    lengths = np.diff(matrix.indptr)
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32)
    return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def _midpoints(scale: Scale) -> Tensor:
    levels = torch.tensor(scale.levels, dtype=torch.float64)
    return (levels[:-1] + levels[1:]) / 2
