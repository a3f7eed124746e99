"""Settings of the training loop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from matinee.config import Config, Search


class TrainerConfig(Config):
    """How a learned model is trained."""

    epochs: Annotated[int, Field(ge=1)] = 20
    """Passes over the training data at most; validation tells which of them was the best."""
    batch_size: Annotated[int, Field(ge=1), Search(128, 16384, log=True)] = 1024
    """Examples a step, sampled negatives included."""
    learning_rate: Annotated[float, Field(gt=0), Search(1e-4, 1e-1, log=True)] = 1e-3
    """Of the first step after warm-up."""
    optimizer: Literal["adam", "sgd", "adagrad"] = "adam"
    """Rule of the update; embedding rows follow the same rule, but only when touched."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Of SGD; embedding rows take at once what it would spread over the steps to come."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls to `final_rate` over the run."""
    final_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the learning rate that a falling schedule ends at."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps in which the learning rate rises from 0."""
    weight_decay: Annotated[float, Field(ge=0), Search(1e-6, 1e-1, log=True)] = 0.0
    """Decoupled decay of dense weight matrices; never of biases or embeddings."""
    embedding_decay: Annotated[float, Field(ge=0), Search(1e-7, 1e-2, log=True)] = 0.0
    """Decoupled decay of embedding rows, applied when a row is touched."""
    clip: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of the gradient over all weights; None does not clip."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Validations without improvement before training stops; None trains to the end."""
    monitor: str | None = None
    """Validation metric that decides which epoch is best; None is the model's own choice."""
    validate_every: Annotated[int, Field(ge=1)] = 1
    """Epochs between validations."""
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints within an epoch; None saves at the end of each epoch."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products; weights and optimiser stay float32."""
    compile: bool = False
    """Whether the forward pass is compiled, which pays in long runs of wide models."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads on the CPU; None takes one for steps too small to be worth sharing, else all."""
    device: str = "auto"
    """'cpu', 'cuda', 'cuda:1', or 'auto' for a GPU where there is one."""

    @property
    def plain(self) -> bool:
        """Whether a step is the rule and nothing else: not clipped, compiled or in bfloat16."""
        return self.clip is None and not self.compile and self.precision == "float32"
