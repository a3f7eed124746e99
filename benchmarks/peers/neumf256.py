"""NeuMF at a batch of 256; see `neumf`."""

from benchmarks.peers.neumf import comparison

COMPARISON = comparison(256, bar=10)
