"""Ten epochs of SASRec as in `sasrec`: what the speed costs in quality."""

from __future__ import annotations

from benchmarks.peers.sasrec import comparison

COMPARISON = comparison(50, epochs=10)
