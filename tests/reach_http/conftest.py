import pytest

from tests.support.web import Authority
from tui.reach.web import FreshWeb


@pytest.fixture
async def web():
    made = FreshWeb()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))
