import asyncio

import pytest

from tui.reach.slots import Slots, Use


async def test_looks_leave_two_sessions_to_the_hands():
    slots, release, now, most = Slots(), asyncio.Event(), 0, 0

    async def work(use):
        nonlocal now, most
        async with slots.hold(use):
            now += 1
            most = max(most, now)
            await release.wait()
            now -= 1

    looks = [asyncio.create_task(work(Use.LOOK)) for _ in range(100)]
    await asyncio.sleep(0)
    assert slots.used(Use.LOOK) == 6
    hands = [asyncio.create_task(work(Use.HANDS)) for _ in range(4)]
    await asyncio.sleep(0)
    assert slots.used(Use.HANDS) == 2
    release.set()
    await asyncio.gather(*looks, *hands)
    assert most == 8
    assert slots.used(Use.LOOK) == slots.used(Use.HANDS) == 0


async def test_a_fifth_stream_is_told_no_and_looks_still_have_room():
    slots = Slots()
    async with slots.hold(Use.STREAM), slots.hold(Use.STREAM), slots.hold(Use.STREAM), slots.hold(Use.STREAM):
        async with slots.hold(Use.STREAM) as room:
            assert room is False
        async with slots.hold(Use.LOOK) as one, slots.hold(Use.LOOK) as two:
            assert one is two is True
    assert slots.used(Use.STREAM) == 0


async def test_who_gives_up_waiting_takes_no_place():
    slots = Slots(total=1)
    async with slots.hold(Use.LOOK):
        waiting = asyncio.create_task(_hold(slots))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    late = asyncio.create_task(_hold(slots))
    async with slots.hold(Use.LOOK):
        await asyncio.sleep(0)
    late.cancel()  # let in and cancelled in the same breath
    await asyncio.gather(late, return_exceptions=True)
    async with asyncio.timeout(1), slots.hold(Use.LOOK):
        assert slots.used(Use.LOOK) == 1


async def test_a_host_that_refuses_gets_fewer():
    slots = Slots()
    async with slots.hold(Use.LOOK), slots.hold(Use.LOOK), slots.hold(Use.LOOK), slots.hold(Use.LOOK):
        slots.refused()
        assert [slots.most(use) for use in (Use.HANDS, Use.LOOK, Use.STREAM)] == [3, 2, 1]
        waiting = asyncio.create_task(_hold(slots))
        await asyncio.sleep(0)
        assert slots.used(Use.LOOK) == 4
    await waiting
    assert [slots.most(use) for use in (Use.HANDS, Use.LOOK, Use.STREAM)] == [3, 2, 1]


@pytest.mark.parametrize(("total", "looks", "streams"), [(8, 6, 4), (5, 3, 1), (4, 3, 1), (3, 2, 1), (2, 2, 1), (1, 1, 0)])
def test_somebody_can_always_look(total, looks, streams):
    slots = Slots(total)
    assert (slots.most(Use.HANDS), slots.most(Use.LOOK), slots.most(Use.STREAM)) == (total, looks, streams)


async def _hold(slots):
    async with slots.hold(Use.LOOK):
        await asyncio.sleep(0)
