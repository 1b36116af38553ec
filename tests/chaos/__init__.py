"""Sweeps in hard weather: what is killed, filled and cut off at random ends as if left in peace.

    python -m tests.chaos --runs 200 --seed 0

It is among the tests and not the benchmarks, since it judges and measures nothing, and starts the
processes that tests start. See :mod:`tests.chaos.__main__`.
"""
