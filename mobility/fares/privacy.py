"""Cards behind a keyed hash: who has the key can tell which card is which, and nobody else."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from mobility.errors import ConfigError

_LEAST_BYTES = 16


def read_key(path: str | Path) -> bytes:
    """Read a key file: at least 16 bytes.

    Raises
    ------
    ConfigError
        When it cannot be read, or is too short to keep a secret.
    """
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", mend="--pseudonymise KEYFILE") from None
    if len(key) < _LEAST_BYTES:
        raise ConfigError(
            f"{path}: a key of {len(key)} bytes is guessed quickly",
            mend="head -c 32 /dev/urandom > KEYFILE",
        )
    return key


def pseudonymise(taps: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Replace every card by a keyed hash (BLAKE2b, 8 bytes) of its text; no card stays no card."""
    column = "card" if "card" in taps else "token_id"
    if column not in taps:
        return taps
    codes, cards = pd.factorize(taps[column])
    secret = blake2b(key, digest_size=32).digest()
    hashes = np.array(
        [
            int.from_bytes(blake2b(str(one).encode(), key=secret, digest_size=8).digest(), "big", signed=True)
            for one in cards
        ],
        np.int64,
    )  # fmt: skip
    if len(np.unique(hashes)) < len(hashes):
        raise ConfigError("two cards have one hash under this key", mend="use another key")
    values = pd.Series(pd.array(np.append(hashes, 0)[codes], dtype="Int64"), index=taps.index)
    if (codes < 0).any():
        values[codes < 0] = pd.NA
    else:
        values = values.astype(np.int64)
    return taps.assign(**{column: values})
