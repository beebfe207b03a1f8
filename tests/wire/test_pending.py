from tui.model.log import LogRecord
from tui.model.message import msg
from tui.wire import pending
from tui.wire.messages import Event, FleetChanged, LogBatch, RoomCard, SiteCard
from tui.wire.pending import Batches, Changes

CARD = RoomCard(name="r", pid=1, started=0, sites_path="", version="")


def records(count, start=0):
    return tuple(LogRecord(source="s", text=f"line {n}") for n in range(start, start + count))


def test_the_newest_reading_wins_and_nothing_is_told_twice(make_reading):
    changes = Changes()
    assert changes.take() == ()
    for at in range(1000):
        changes.put(make_reading("eu", at=float(at)))
        changes.put(make_reading("us", at=float(at)))
    (delta,) = changes.take(viewers=3)
    assert [(reading.site, reading.at) for reading in delta.readings] == [("eu", 999.0), ("us", 999.0)]
    assert delta.viewers == 3
    assert changes.take() == ()


def test_the_fleet_is_told_first_and_readings_of_sites_that_are_gone_not_at_all(make_reading):
    changes = Changes()
    changes.put(make_reading("old"))
    changes.put(make_reading("eu"))
    changes.put(FleetChanged(CARD, (SiteCard("eu", "EU"),)))
    fleet, delta = changes.take()
    assert isinstance(fleet, FleetChanged)
    assert [reading.site for reading in delta.readings] == ["eu"]


def test_events_are_bounded_and_counted():
    changes = Changes()
    for number in range(pending.EVENTS + 7):
        changes.put(Event(at=number, kind="room", message=msg("x")))
    (delta,) = changes.take()
    assert len(delta.events) == pending.EVENTS
    assert delta.events[-1].at == pending.EVENTS + 6
    assert delta.dropped == 7


def test_batches_of_a_tail_are_merged_in_order():
    batches = Batches()
    batches.put(LogBatch(1, records(2)))
    batches.put(LogBatch(2, records(1)))
    batches.put(LogBatch(1, records(2, start=2), notes=(msg("rotated"),), done=True))
    first, second = batches.take()
    assert [record.text for record in first.records] == ["line 0", "line 1", "line 2", "line 3"]
    assert (first.tail, first.done, len(first.notes), second.tail, second.done) == (1, True, 1, 2, False)
    assert batches.take() == []


def test_a_storm_keeps_the_newest_and_counts_the_rest():
    batches = Batches()
    dropped = sum(batches.put(LogBatch(1, records(100, start=100 * n))) for n in range(1000))
    batches.put(LogBatch(1, done=True))
    (batch,) = batches.take()
    assert len(batch.records) + batch.skipped == 100_000
    assert len(batch.records) <= pending.RECORDS
    assert batch.records[-1].text == "line 99999"
    assert batch.skipped == dropped
    assert batch.done


def test_long_lines_are_bounded_by_their_characters_and_the_end_is_not_lost():
    batches = Batches()
    long = (LogRecord(source="s", text="t", raw="y" * 1_000_000),)
    batches.put(LogBatch(1, done=True))
    for _ in range(50):
        batches.put(LogBatch(2, long))
    found = {batch.tail: batch for batch in batches.take()}
    assert found[1].done
    assert len(found[2].records) + found[2].skipped == 50
    assert sum(len(record.raw) for record in found[2].records) <= pending.CHARACTERS
