"""An epoch of SASRec as in `sasrec`, but with sequences of 200; RecTools does a tenth of it."""

from __future__ import annotations

from benchmarks.peers.sasrec import comparison

COMPARISON = comparison(200, rectools_share=0.1, batches=15)
