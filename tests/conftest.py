"""What all tests share: quiet hypothesis, a cache of their own, the real feeds where they are."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Compilation makes the first example slow, and a red build must be red again.
settings.register_profile(
    "kernels",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("kernels")

CHECKOUT = Path(__file__).parents[1]
SHARED = CHECKOUT.parent / "shared"


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory):
    """Keep compiled feeds of a test run away from the person's own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MOBILITY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared_gtfs():
    """Real feeds that no one here wrote; they are never part of the project."""
    folder = SHARED / "gtfs"
    if not folder.is_dir():
        pytest.skip("the folder of real feeds (shared/gtfs beside the checkout) is not here")
    return folder


@pytest.fixture(scope="session")
def samples_folder():
    """Our own sample feeds."""
    return CHECKOUT / "gtfs_samples"
