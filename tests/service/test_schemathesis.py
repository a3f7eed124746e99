"""What a machine thinks up from the OpenAPI document: no crash, no reply that it does not allow."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import one_of
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup

from matinee.artefact import Artefact
from matinee.service.store import SCOPES, open_store
from support.serving import listening, saved

Make = Callable[..., Artefact]

CONFIG: dict[str, Any] = {
    "checks": {
        # No schema can say which titles, genres, cursors and files there are.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "415", "422"]
        },
        # A head of text without end is refused before anyone looks at what it asks (431).
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "415", "422", "431"]
        },
    }
}


@pytest.fixture
def document(database: str, make_run: Make, tmp_path: Path) -> Generator[Any]:
    run = saved(make_run("bmf", {"samples": 2, "burn_in": 1}), tmp_path / "runs" / "bmf")
    with open_store(database) as store:
        _, token = store.create_key("machine", SCOPES)
    with listening(run=run, database=database) as address:
        config = SchemathesisConfig.from_dict(CONFIG)
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
        schema.config.update(headers={"Authorization": f"Bearer {token}"})
        yield schema


@pytest.mark.parametrize("examples", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_replies_fit_the_document(document: Any, examples: int) -> None:
    """Each of 23 operations is asked `examples` times, on either database."""
    operations = [result.ok() for result in document.get_all_operations()]
    assert len(operations) == 23
    faults = [fault for one in operations if (fault := fault_of(one, examples)) is not None]
    assert not faults, "\n\n".join(faults)


def fault_of(operation: Any, examples: int) -> str | None:
    """What is wrong with the replies of an operation."""

    @seed(1)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=one_of(*(operation.as_strategy(mode) for mode in schemathesis.GenerationMode)))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate()

    try:
        ask()
    except (FailureGroup, Failure) as fault:
        return f"{operation.label}: {fault}"
    return None
