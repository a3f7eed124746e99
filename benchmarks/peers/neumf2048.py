"""NeuMF at a batch of 2,048; see `neumf`."""

from benchmarks.peers.neumf import comparison

COMPARISON = comparison(2048, bar=5)
