"""Taps to buckets of cards and back. Cards: int64. Times: int32 seconds after the first tap's day.

A record is two int64: the card, and ``time << 32 | combo``. Each thread owns a slice of the input and
a cursor a bucket, so records of a bucket keep the order of the input, and so does the way back.
"""

import numpy as np

from mobility._jit import kernel

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@kernel
def bucket_of(card, shift):
    """The bucket of a card: the top bits of a multiplied, folded id."""
    mixed = np.uint64(card)
    mixed = (mixed ^ (mixed >> _HALF)) * _SPREAD
    mixed = (mixed ^ (mixed >> _HALF)) * _SPREAD
    return np.int64(mixed >> shift)


@kernel
def count_buckets(cards, times, shift, counts):
    """Add up how many taps go to each bucket; the least and greatest time."""
    least, most = times[0], times[0]
    for i in range(cards.shape[0]):
        counts[bucket_of(cards[i], shift)] += 1
        least = min(least, times[i])
        most = max(most, times[i])
    return least, most


@kernel
def add_codes(codes, table, combos):
    """Add ``table[code + 1]`` of one attribute to each tap's combo; code -1 is missing."""
    for i in range(codes.shape[0]):
        combos[i] += table[np.int64(codes[i]) + 1]


@kernel
def scatter(cards, times, origin, combos, shift, cursors, records):
    """Write each tap's record behind its bucket's cursor."""
    for i in range(cards.shape[0]):
        bucket = bucket_of(cards[i], shift)
        at = cursors[bucket]
        cursors[bucket] = at + 1
        records[at, 0] = cards[i]
        records[at, 1] = ((times[i] - origin) << 32) | np.int64(combos[i])


@kernel
def scatter_rows(cards, first, shift, cursors, rows):
    """Write each tap's input row behind its bucket's cursor."""
    for i in range(cards.shape[0]):
        bucket = bucket_of(cards[i], shift)
        rows[cursors[bucket]] = first + i
        cursors[bucket] += 1


@kernel
def gather(cards, shift, cursors, values, out):
    """Bring values back from their buckets into the order of the input."""
    for i in range(cards.shape[0]):
        bucket = bucket_of(cards[i], shift)
        at = cursors[bucket]
        cursors[bucket] = at + 1
        out[i] = values[at]


def warm():
    """Compile for every dtype that is passed; what comes from outside is read only."""

    def given(kind):
        array = np.zeros(1, kind)
        array.flags.writeable = False
        return array

    cards, cursors = given(np.int64), np.zeros(2, np.int64)
    shift = np.uint64(64 - 1)
    combos = np.zeros(1, np.int32)
    count_buckets(cards, cards, shift, cursors.copy())
    for kind in (np.int8, np.int16, np.int32):
        add_codes(given(kind), np.zeros(2, np.int32), combos)
    scatter(cards, cards, np.int64(0), combos, shift, cursors.copy(), np.zeros((1, 2), np.int64))
    scatter_rows(cards, np.int64(0), shift, cursors.copy(), np.zeros(1, np.int64))
    for kind in (np.int32, np.int64):
        gather(cards, shift, cursors.copy(), np.zeros(1, kind), np.zeros(1, kind))
