"""Side-by-side measurements with other packages; `python -m benchmarks.peers` runs them."""
