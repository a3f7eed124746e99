"""Tasks that are done at once."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_at_once(*tasks: Callable[[], object]) -> list[object]:
    """Run tasks in threads that start together; their answers, or the errors they raised."""
    barrier = threading.Barrier(len(tasks))
    answers: list[object] = [None] * len(tasks)

    def run(index: int, task: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers[index] = task()
        except Exception as error:
            answers[index] = error

    threads = [threading.Thread(target=run, args=(index, task)) for index, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
