"""Training NeuMF as in `neumf`, each package at the batches that suit it."""

from benchmarks.peers.comparison import Comparison
from benchmarks.peers.neumf import cornac, ours, recbole, work

OURS, RECBOLE, CORNAC = (16_384, 65_536), (2_048, 16_384, 65_536), (65_536,)
COMPARISON = Comparison(
    title="An epoch of NeuMF on a quarter of the ratings, best batch against best batch",
    bar=8,
    sides={
        **{f"matinee {batch}": ours(batch) for batch in OURS},
        **{f"recbole {batch}": recbole(batch) for batch in RECBOLE},
        **{f"cornac {batch}": cornac(batch) for batch in CORNAC},
    },
    work=work,
    counted="three products a weight and example; a film's row and means read and written",
    tolerance=None,
    note="The number beside a package is its batch in examples. Of ours and of the peers "
    "the fastest counts. Cornac gains least from larger batches, and is asked at its best alone.",
)
