"""A figure over time, made as coarse as it is drawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

Point = tuple[float, float | None]
GAP = 2.5
"""A pause longer than this many usual distances between two looks is unknown time, drawn as a gap."""


def thin(samples: Sequence[tuple[float, float]], start: float, end: float, points: int) -> tuple[Point, ...]:
    """``samples`` (Unix seconds ascending, value) within ``start`` to ``end`` as at most ``points`` points, gaps as None.

    Where there are more samples than points, equal stretches of time are averaged.
    """
    points = max(1, points)
    marked = _with_gaps([sample for sample in samples if start <= sample[0] <= end], end)
    if len(marked) <= points:
        return tuple(marked)
    width = max((end - start) / points, 1e-9)
    buckets: dict[int, list[Point]] = {}
    for at, value in marked:
        buckets.setdefault(min(points - 1, int((at - start) / width)), []).append((at, value))
    return tuple(_average(buckets[number]) for number in sorted(buckets))


def _with_gaps(samples: list[tuple[float, float]], end: float) -> list[Point]:
    if len(samples) < 3:
        return list(samples)
    longest = GAP * median(later[0] - sooner[0] for sooner, later in pairwise(samples))
    marked: list[Point] = [samples[0]]
    for sooner, later in pairwise(samples):
        if later[0] - sooner[0] > longest:
            marked.append(((sooner[0] + later[0]) / 2, None))
        marked.append(later)
    if end - samples[-1][0] > longest:
        marked.append((end, None))
    return marked


def _average(bucket: list[Point]) -> Point:
    """The mean of what is known; a gap only where nothing is."""
    known = [(at, value) for at, value in bucket if value is not None]
    if not known:
        return bucket[0]
    return sum(at for at, _ in known) / len(known), sum(value for _, value in known) / len(known)
