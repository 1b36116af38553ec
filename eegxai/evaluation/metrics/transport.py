"""The transportation problem: the least work that brings supplies to demands.

By shortest augmenting paths with potentials, as the Hungarian method (Kuhn, Nav. Res. Logist. Q.
2:83, 1955; Jonker & Volgenant, Computing 38:325, 1987), with flows of any size in place of pairs.
The answer is the optimum up to rounding, where a general solver stops within its tolerance.
"""

import numpy as np
from numba import njit

Array = np.ndarray
NONE = -1
compiled_solver = njit(cache=True, nogil=True)


@compiled_solver
def least_work(supply: Array, demand: Array, distance: Array) -> float:
    """Least sum of mass times distance that empties the supplies and meets the demands.

    Parameters
    ----------
    supply : array, shape (sources,)
        Mass at each source, above 0.
    demand : array, shape (sinks,)
        Mass wanted at each sink, above 0; of the same sum as the supplies, up to rounding.
    distance : array, shape (sources, sinks)
        Not negative; where one is not finite, the answer is NaN.

    Examples
    --------
    >>> least_work(np.ones(2), np.ones(2), np.array([[1.0, 5.0], [2.0, 4.0]]))
    5.0
    """
    if not np.isfinite(distance).all():
        return np.nan
    flow, left, wanted = np.zeros(distance.shape), supply.copy(), demand.copy()
    potentials = np.zeros(len(supply)), np.zeros(len(demand))
    for source in range(len(supply)):
        while left[source] > 0:
            sink, by, entered = _shortest_path(source, distance, flow, wanted, potentials)
            if sink == NONE:  # what is left is the rounding of the sums
                break
            most = min(left[source], wanted[sink])
            mass = _bottleneck(source, sink, most, flow, by, entered)
            _send(source, sink, mass, flow, by, entered)
            left[source] -= mass
            wanted[sink] -= mass
    return (flow * distance).sum()


@compiled_solver
def _shortest_path(
    source: int, distance: Array, flow: Array, wanted: Array, potentials: tuple[Array, Array]
) -> tuple[int, Array, Array]:
    """The nearest sink that wants more, and the way to it (Dijkstra); potentials follow.

    The way leads to a sink from the source ``by``, and to a source by taking back some of what it
    sends to the sink ``entered``.
    """
    n_sources, n_sinks = distance.shape
    reach, by = np.full(n_sinks, np.inf), np.full(n_sinks, NONE)
    at, entered = np.full(n_sources, np.inf), np.full(n_sources, NONE)
    is_final = np.zeros(n_sinks, np.bool_)
    at[source] = 0.0
    _relax(source, at, distance, potentials, is_final, reach, by)
    while True:
        sink = _nearest_open(reach, is_final)
        if sink == NONE:
            return NONE, by, entered
        is_final[sink] = True
        if wanted[sink] > 0:
            _raise_potentials(reach[sink], at, reach, is_final, potentials)
            return sink, by, entered
        for other in range(n_sources):
            if flow[other, sink] > 0 and at[other] == np.inf:
                at[other], entered[other] = reach[sink], sink
                _relax(other, at, distance, potentials, is_final, reach, by)


@compiled_solver
def _relax(
    source: int,
    at: Array,
    distance: Array,
    potentials: tuple[Array, Array],
    is_final: Array,
    reach: Array,
    by: Array,
) -> None:
    """Take the ways from a source to all sinks that are shorter than those known."""
    of_sources, of_sinks = potentials
    for sink in range(len(reach)):
        found = at[source] + distance[source, sink] - of_sources[source] - of_sinks[sink]
        if not is_final[sink] and found < reach[sink]:
            reach[sink], by[sink] = found, source


@compiled_solver
def _nearest_open(reach: Array, is_final: Array) -> int:
    nearest, least = NONE, np.inf
    for sink in range(len(reach)):
        if not is_final[sink] and reach[sink] < least:
            nearest, least = sink, reach[sink]
    return nearest


@compiled_solver
def _raise_potentials(
    length: float, at: Array, reach: Array, is_final: Array, potentials: tuple[Array, Array]
) -> None:
    """Potentials with which no way is negative, and those of what flows are 0."""
    of_sources, of_sinks = potentials
    for source in range(len(at)):
        if at[source] < np.inf:
            of_sources[source] += length - at[source]
    for sink in range(len(reach)):
        if is_final[sink]:
            of_sinks[sink] -= length - reach[sink]


@compiled_solver
def _bottleneck(
    source: int, sink: int, most: float, flow: Array, by: Array, entered: Array
) -> float:
    """The mass that can take the way: at most what each step back has to give."""
    while by[sink] != source:
        other = by[sink]
        sink = entered[other]
        most = min(most, flow[other, sink])
    return most


@compiled_solver
def _send(source: int, sink: int, mass: float, flow: Array, by: Array, entered: Array) -> None:
    flow[by[sink], sink] += mass
    while by[sink] != source:
        other = by[sink]
        sink = entered[other]
        flow[other, sink] -= mass
        flow[by[sink], sink] += mass
