"""Neural collaborative filtering: GMF, MLP and NeuMF."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import TypeVar

from matinee import kernels
from matinee.config import Config, Search
from matinee.data.batches import Batch, SampledBatches
from matinee.data.interactions import Interactions
from matinee.data.queries import Queries
from matinee.data.sampling import BITMAP_BYTES, fixed_sample
from matinee.errors import ConfigError
from matinee.models.base import Batches, CompiledLoop, Learned, Recommender, Sizes
from matinee.models.diversity import genre_directions, sameness
from matinee.models.foldin import fold_in
from matinee.models.ials import IALS, IALSConfig
from matinee.models.layers import PairTower, Table, row_chunks
from matinee.models.ncfstart import start_of
from matinee.training import TrainerConfig

FOLD_IN_NEGATIVES = 512
"""Films that stand for all unrated ones when a new person's vector is fitted."""

START_SAMPLE = 1 << 16
"""Rated and unrated films that the predictions of a factorisation are turned into odds on."""

WIDEST = 1 << 12
"""Weights of a layer up to which steps are so small that a compiled loop pays."""


class NCFConfig(Config):
    """Settings that all three share."""

    negatives: Annotated[int, Field(ge=1), Search(1, 10)] = 4
    """Unrated films drawn for each rated one."""
    dropout: Annotated[float, Field(ge=0, lt=1), Search(0, 0.5)] = 0.0
    """Share of the tower's units dropped in training."""
    l2: Annotated[float, Field(ge=0), Search(1e-7, 1e-3, log=True)] = 0.0
    """Penalty on the squared length of the vectors in a batch, a mean over its examples."""
    diversity: Annotated[float, Field(ge=0), Search(1e-4, 0.1, log=True)] = 0.0
    """Penalty on genre correlations among the ten films scored highest in a batch."""


class GMFConfig(NCFConfig):
    """Settings of `GMF`."""

    dim: Annotated[int, Field(ge=1), Search(8, 128, log=True)] = 8
    """Width of the vectors that are multiplied element by element."""
    start: Literal["random", "ials"] = "random"
    """What these vectors are at first: drawn, or the factors of an `IALS` as log-odds."""
    unobserved: Annotated[float, Field(gt=0)] = 0.3
    """For that `IALS`, the weight of an unrated film next to 1 for a rated one."""
    ridge: Annotated[float, Field(gt=0)] = 0.005
    """For that `IALS`, its penalty."""

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        fields = type(self).model_fields
        told = [n for n in ("unobserved", "ridge") if getattr(self, n) != fields[n].default]
        if told and self.start == "random":
            raise ConfigError(
                "nothing starts from `ials`, which alone heeds this",
                where=", ".join(told),
                remedy="Set start = ials as well, or leave it out.",
            )
        return self


class _TowerConfig(NCFConfig):
    tower: tuple[Annotated[int, Field(ge=1)], ...] = (64, 32, 16, 8)
    """Widths of the tower; the first is that of the two vectors side by side."""

    @field_validator("tower")
    @classmethod
    def _check_tower(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if len(widths) < 2 or widths[0] % 2:
            raise ValueError("two or more widths, the first of them even, such as [64, 32, 16, 8]")
        return widths


class MLPConfig(_TowerConfig):
    """Settings of `MLP`."""


class NeuMFConfig(_TowerConfig, GMFConfig):
    """Settings of `NeuMF`."""

    pretrain: bool = False
    """Whether its two branches are first trained on their own, as `GMF` and `MLP`."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Weight of the GMF branch when pretrained branches are joined."""

    @model_validator(mode="after")
    def _check_alpha(self) -> Self:
        if self.alpha != type(self).model_fields["alpha"].default and not self.pretrain:
            raise ConfigError(
                "this is a weight of pretrained branches, and none are",
                where="alpha",
                remedy="Set pretrain = true as well, or leave it out.",
            )
        return self


N = TypeVar("N", bound=NCFConfig, default=NCFConfig)


class NCF(Learned[N]):
    """A person's vector and a film's, fused by a product, a tower, or both.

    ŷ = σ(a·(p ∘ q) + b·tower([p'; q']) + c), trained by binary cross-entropy on rated and
    sampled unrated films (He et al., 'Neural Collaborative Filtering', WWW 2017, eq. 7-12).
    Each side has one table; its first `dim` columns belong to the product, the rest to the
    tower.

    Args:
        config: Settings.
        sizes: Table sizes.
        dim: Width of the product branch; 0 leaves it out.
        widths: Widths of the tower branch; empty leaves it out.
    """

    defaults: ClassVar[dict[str, Any]] = {"epochs": 20, "batch_size": 256, "learning_rate": 1e-3}
    directions: Tensor

    def __init__(self, config: N, sizes: Sizes, *, dim: int, widths: tuple[int, ...]) -> None:
        super().__init__(config, sizes)
        self.dim = dim
        half = widths[0] // 2 if widths else 0
        self.widths = (half, *widths[1:]) if widths else ()
        self.users = Table(sizes.users, dim + half)
        self.items = Table(sizes.items, dim + half)
        self.tower = PairTower(half, half, widths[1:], config.dropout) if widths else None
        self.out = nn.Linear(dim + (widths[-1] if widths else 0), 1)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.width = dim + max(widths, default=0)
        if config.diversity:
            shape = (sizes.items, _genres(sizes))
            self.register_buffer("directions", torch.zeros(shape))

    def prepare(self, data: Interactions) -> None:
        """Note the genres, if lists are to be varied."""
        if self.config.diversity:
            self.directions.copy_(genre_directions(data.item_fields))

    def batches(self, data: Interactions, *, batch_size: int, seed: int) -> SampledBatches:
        """Rated films next to unrated ones."""
        return SampledBatches(
            data, negatives=self.config.negatives, batch_size=batch_size, seed=seed
        )

    def held_out_batches(
        self, held_out: Interactions, train: Interactions, *, batch_size: int, seed: int
    ) -> SampledBatches:
        """Held-out films next to films that were not rated in training."""
        return SampledBatches(
            held_out,
            negatives=self.config.negatives,
            batch_size=batch_size,
            seed=seed,
            known=train,
        )

    def training_bytes(self, loop: TrainerConfig) -> int:
        """Rows and activations of a batch; keys and bits of who rated what."""
        examples = min(loop.batch_size, self.sizes.ratings * (1 + self.config.negatives))
        pairs = min(self.sizes.users * self.sizes.items // 8, BITMAP_BYTES)
        floats = self._floats_compiled() if self._compiles(loop) else self._floats()
        return 4 * examples * floats + pairs + 24 * self.sizes.ratings

    def _floats(self) -> int:
        """What PyTorch holds of an example in a step."""
        layers = self.tower.layers if self.tower is not None else ()
        units = sum(layer.out_features for layer in layers if isinstance(layer, nn.Linear))
        return 4 * self.items.embedding_dim + 6 * units + 16

    def _floats_compiled(self) -> int:
        """What the compiled loop holds: gradients by rows of two sides, and places in groups."""
        return 2 * (self.dim + (self.widths[1] if self.widths else 0)) + 16

    def forward(self, batch: Batch) -> Tensor:
        """Mean binary cross-entropy over the rated and unrated films of a batch."""
        users, items = self.users(batch["users"]), self.items(batch["items"])
        logits = self.logits(users, items)
        loss = -_log_likelihood(logits[:, :1], logits[:, 1:]).sum() / logits.numel()
        if self.config.l2:
            squares = items.square().sum() + items.shape[1] * users.square().sum()
            loss = loss + self.config.l2 * squares / logits.numel()
        if self.config.diversity:
            same = sameness(logits, batch["items"], self.directions)
            loss = loss + self.config.diversity * same
        return loss

    def compiled_loop(self, batches: Batches, config: TrainerConfig) -> CompiledLoop | None:
        """The loop of Adam, if it knows of all that is asked for."""
        if not self._compiles(config):
            return None
        from matinee.models.ncfloop import NCFLoop  # noqa: PLC0415 - needs numba

        assert isinstance(batches, SampledBatches)
        return NCFLoop(self.widths, self.config.l2, batches, config)

    def _compiles(self, config: TrainerConfig) -> bool:
        """Whether it is plain steps of Adam on a processor, without dropout or varied lists.

        A wide tower is none of its business either: PyTorch's overhead is little beside that.
        """
        gpu = config.device.startswith("cuda")
        if gpu or (config.device == "auto" and torch.cuda.is_available()) or not config.plain:
            return False
        wide = max((a * b for a, b in pairwise(self.widths)), default=0) > WIDEST
        other = self.config.dropout or self.config.diversity or config.optimizer != "adam"
        return not (wide or other) and kernels.available()

    def logits(self, users: Tensor, items: Tensor) -> Tensor:
        """Scores before the sigmoid.

        Args:
            users: `[B, width]` vectors.
            items: `[K, width]` vectors for everyone, or `[B, K, width]` for each.

        Returns:
            `[B, K]`.
        """
        weight, dim = self.out.weight[0], self.dim
        product = _inner(users[:, :dim] * weight[:dim], items[..., :dim])
        if self.tower is None:
            return product + self.out.bias
        hidden = self.tower(users[:, dim:], items[..., dim:])
        return product + hidden @ weight[dim:] + self.out.bias

    @torch.no_grad()
    def score(self, queries: Queries, items: Tensor | None = None) -> Tensor:
        """Logits; strangers' vectors are folded in from their histories."""
        people, dim = self.people(queries), self.dim
        films = self.items.weight if items is None else self.items(items)
        weight = self.out.weight[0]
        scores = _inner(people[:, :dim] * weight[:dim], films[..., :dim]) + self.out.bias
        if self.tower is not None:
            scores += self.tower.weighed(people[:, dim:], films[..., dim:], weight[dim:])
        return scores

    def people(self, queries: Queries) -> Tensor:
        """Vectors `[B, width]` of those who ask, from the table or folded in."""
        vectors = self.users(queries.users.clamp_min(0)).detach().clone()
        strangers = (queries.users < 0).nonzero().squeeze(1)
        for rows in row_chunks(len(strangers), FOLD_IN_NEGATIVES * self.width):
            some = strangers[rows]
            vectors[some] = self._fold_in(queries.take(some))
        return vectors

    def _fold_in(self, queries: Queries) -> Tensor:
        """Fit vectors to histories under the loss of training, in expectation."""
        negatives = fixed_sample(self.sizes.items, FOLD_IN_NEGATIVES).to(self.device)
        unrated = 1 - queries.dense(self.sizes.items)[:, negatives]
        per_film = self.config.negatives * queries.lengths / unrated.sum(1).clamp_min(1)
        rows = queries.rows
        liked = self.items(queries.items).detach()[:, None]
        others = self.items(negatives).detach()

        def loss(vectors: Tensor) -> Tensor:
            positive = functional.softplus(-self.logits(vectors[rows], liked)).squeeze(1)
            negative = functional.softplus(self.logits(vectors, others)) * unrated
            return (per_film * negative.sum(1)).index_add(0, rows, positive)

        return fold_in(loss, len(queries), self.users.weight.detach())

    def item_vectors(self) -> Tensor:
        """The films' vectors."""
        return self.items.weight.detach()


G = TypeVar("G", bound=GMFConfig, default=GMFConfig)


class _Product(NCF[G]):
    """With a product branch, which may start from the factors of `IALS`.

    That is least squares over all pairs at once, of which little is left to learn; the tower
    starts afresh.
    """

    def pretraining(self) -> dict[str, Recommender]:
        """The factorisation, if that is the start."""
        if self.config.start == "random":
            return {}
        own = self.config
        config = IALSConfig(dim=own.dim, unobserved=own.unobserved, l2=own.ridge)
        return {"ials": IALS(config, self.sizes)}

    @torch.no_grad()
    def adopt(self, trained: dict[str, Recommender], data: Interactions) -> Self:
        """Start the product from the factors."""
        ials = trained["ials"]
        assert isinstance(ials, IALS)
        sample = self.batches(data, batch_size=START_SAMPLE, seed=0).batch(0, 0)
        start = start_of(ials, data, sample)
        self.users.weight[:, : self.dim] = start.users
        self.items.weight[:, : self.dim] = start.items
        self.out.weight[:, : self.dim] = 1.0
        self.out.bias.fill_(start.bias)
        return self


class GMF(_Product[GMFConfig]):
    """Generalised matrix factorisation: the product branch alone (eq. 9)."""

    name: ClassVar[str] = "gmf"
    Config = GMFConfig

    def __init__(self, config: GMFConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes, dim=config.dim, widths=())


class MLP(NCF[MLPConfig]):
    """The tower branch alone (eq. 10)."""

    name: ClassVar[str] = "mlp"
    Config = MLPConfig

    def __init__(self, config: MLPConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes, dim=0, widths=config.tower)


class NeuMF(_Product[NeuMFConfig]):
    """Both branches, side by side (eq. 12), each with vectors of its own."""

    name: ClassVar[str] = "neumf"
    Config = NeuMFConfig

    def __init__(self, config: NeuMFConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes, dim=config.dim, widths=config.tower)

    def pretraining(self) -> dict[str, Recommender]:
        """The branches to train first, or what the product starts from."""
        if not self.config.pretrain:
            return super().pretraining()
        settings = self.config.model_dump()
        gmf, mlp = (
            {name: settings[name] for name in kind.model_fields} for kind in (GMFConfig, MLPConfig)
        )
        return {"gmf": GMF(GMFConfig(**gmf), self.sizes), "mlp": MLP(MLPConfig(**mlp), self.sizes)}

    @torch.no_grad()
    def adopt(self, trained: dict[str, Recommender], data: Interactions) -> Self:
        """Start from trained branches; the outputs are weighed by alpha (section 3.4.1)."""
        if not self.config.pretrain:
            return super().adopt(trained, data)
        gmf, mlp = trained["gmf"], trained["mlp"]
        assert isinstance(gmf, GMF)
        assert isinstance(mlp, MLP)
        alpha = self.config.alpha
        self.users.weight.copy_(torch.cat([gmf.users.weight, mlp.users.weight], 1))
        self.items.weight.copy_(torch.cat([gmf.items.weight, mlp.items.weight], 1))
        assert self.tower is not None
        assert mlp.tower is not None
        self.tower.load_state_dict(mlp.tower.state_dict())
        joined = torch.cat([alpha * gmf.out.weight, (1 - alpha) * mlp.out.weight], 1)
        self.out.weight.copy_(joined)
        self.out.bias.copy_(alpha * gmf.out.bias + (1 - alpha) * mlp.out.bias)
        return self


def _genres(sizes: Sizes) -> int:
    if "genres" not in sizes.item_fields:
        raise ConfigError(
            "the films have no genres to tell them apart by",
            where="diversity",
            remedy="Leave diversity at 0.",
        )
    return sizes.item_fields["genres"]


def _log_likelihood(positive: Tensor, negative: Tensor) -> Tensor:
    """Log-likelihood of logits that should be 1 and of others that should be 0, `[B]`."""
    return functional.logsigmoid(positive).sum(1) + functional.logsigmoid(-negative).sum(1)


def _inner(users: Tensor, items: Tensor) -> Tensor:
    """Inner products of `[B, d]` with `[K, d]` or `[B, K, d]`: `[B, K]`."""
    if items.ndim == 2:
        return users @ items.T
    return torch.bmm(items, users[:, :, None]).squeeze(2)
