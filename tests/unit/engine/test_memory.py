"""Too little memory is told before a run, not found out in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.engine import TrainerConfig, memory
from matinee.errors import TooLarge
from matinee.models import MODELS, Sizes
from support.memory import peak_bytes

GB = 10**9


def needs(name: str, sizes: Sizes, loop: TrainerConfig | None = None, **config: object) -> int:
    kind = MODELS[name]
    return memory.needs(kind, kind.Config.parse(config), sizes, loop).total


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Gives the machine so many bytes of memory, and no control group."""
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")

    def give(size: int) -> None:
        text = f"MemTotal: {2 * size // 1024} kB\nMemAvailable:  {size // 1024} kB\n"
        (tmp_path / "meminfo").write_text(text)

    return give


def test_two_hundred_thousand_films_are_too_many_for_ease(machine: Callable[[int], None]) -> None:
    machine(64 * GB)
    sizes = Sizes(users=1000, items=200_000, ratings=100_000)
    needed = memory.needs(MODELS["ease"], MODELS["ease"].Config(), sizes)
    assert needed.state == 4 * sizes.items**2
    with pytest.raises(TooLarge, match=r"need 6\d\d GB, 160 GB of it the model; .* the 64 GB"):
        memory.check(needed)


def test_what_fits_is_let_through(machine: Callable[[int], None]) -> None:
    machine(1 * GB)
    memory.check(memory.Needs(state=GB // 2, working=GB // 4))
    with pytest.raises(TooLarge):
        memory.check(memory.Needs(state=GB // 2, working=GB))


def test_estimating_takes_none_of_the_memory() -> None:
    huge = Sizes(users=10**8, items=10**6, ratings=10**9)
    assert peak_bytes(lambda: needs("ease", huge)) < 50e6
    assert peak_bytes(lambda: needs("neumf", huge, dim=1024)) < 50e6


def test_vectors_batches_and_films_make_it_more() -> None:
    sizes = Sizes(users=10_000, items=1000, ratings=10**6)
    small, wide = needs("mf", sizes, dim=8), needs("mf", sizes, dim=4096)
    assert wide > small + 4 * 4088 * 11_000
    batch = TrainerConfig(batch_size=100_000)
    films = Sizes(users=10_000, items=100_000, ratings=10**6)
    assert needs("deepcontent", films, batch) > 4 * 10_000 * 100_000  # people x films


def test_a_hybrid_needs_what_its_hungriest_member_needs() -> None:
    sizes = Sizes(users=1000, items=5000, ratings=10**5)
    assert needs("weighted", sizes) > needs("ease", sizes)


def test_a_batch_larger_than_the_data_takes_no_more_than_the_data() -> None:
    sizes = Sizes(users=100, items=50, ratings=1000)
    some, more = (TrainerConfig(batch_size=10**n) for n in (6, 9))
    assert needs("neumf", sizes, some) == needs("neumf", sizes, more)


@pytest.mark.parametrize(
    ("limit", "used"),
    [
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ],
)
def test_the_control_group_counts_where_it_leaves_less(
    machine: Callable[[int], None], tmp_path: Path, limit: str, used: str
) -> None:
    machine(8 * GB)
    (tmp_path / limit).parent.mkdir(exist_ok=True)
    (tmp_path / limit).write_text(f"{3 * GB}\n")
    (tmp_path / used).write_text(f"{2 * GB}\n")
    (tmp_path / used).with_name("memory.stat").write_text(f"anon 1\ninactive_file {GB // 2}\n")
    assert memory.available() == 3 * GB // 2
    (tmp_path / limit).write_text("max\n")
    assert memory.available() == 8 * GB // 1024 * 1024


def test_where_the_system_does_not_tell_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    assert memory.available() is None
    memory.check(memory.Needs(state=10**18, working=0))
