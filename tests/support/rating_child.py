"""Rates with eight threads and prints what was acknowledged, until it is killed.

    python rating_child.py URL FIRST

Thread `t` rates film `n % 30` with `n` stars, for n = FIRST, FIRST + 1, ..., and prints 't n'
when the store has answered. It stops by itself if the store tells a thread of another rating
before than the one it gave there last.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading

from matinee.errors import StoreError
from matinee.service.store import Store, open_store

THREADS = 8
FILMS = 30


def rate(store: Store, thread: int, first: int) -> None:
    for n in itertools.count(first):
        try:
            before = store.rate(f"p{thread}", str(n % FILMS), n, time=n)
        except StoreError as error:
            os.write(2, f"{error}\n".encode())
            os._exit(3)
        if n >= first + FILMS and (before is None or before.rating != n - FILMS):
            os.write(2, f"{thread} {n}: {before} was there before\n".encode())
            os._exit(4)
        os.write(1, f"{thread} {n}\n".encode())


def main() -> None:
    url, first = sys.argv[1], int(sys.argv[2])
    store = open_store(url)
    for thread in range(THREADS):
        threading.Thread(target=rate, args=(store, thread, first)).start()


if __name__ == "__main__":
    main()
