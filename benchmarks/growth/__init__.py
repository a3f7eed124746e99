"""How cost and memory grow with users, films, ratings, dimension and batch.

python -m benchmarks.growth [WORK ...]    measures, into benchmarks/results, and writes the page
python -m benchmarks.growth page          writes docs/reference/growth.md and its pictures anew
"""
