import asyncio


async def test_an_hour_of_sleep_takes_no_time_and_moves_the_clock_by_an_hour() -> None:
    """Sleeping moves the virtual clock by exactly what was asked."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    await asyncio.sleep(3600)
    assert abs(loop.time() - start_s - 3600) < 1e-6


async def test_timers_fire_in_the_order_of_their_times() -> None:
    """Two sleepers wake in the order of their delays, whatever order they started in."""
    woken: list[int] = []

    async def sleeper(delay_s: int) -> None:
        await asyncio.sleep(delay_s)
        woken.append(delay_s)

    await asyncio.gather(sleeper(3), sleeper(1), sleeper(2))
    assert woken == [1, 2, 3]
