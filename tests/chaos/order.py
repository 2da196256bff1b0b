"""What comes in quick succession, or with a wrong time."""

import time

from harness import wait_until
from load import Load, Planned
from verdict import settle

SUCCESS, FAILURE = "info", "error"


def back_to_back(lab, commits, latency):
    """A failure and then a success at once, at a forge of any latency up to `latency` ms."""
    world = lab.world()
    world.forges["github"].fault(jitter_ms=latency)
    plan = [Planned(0, key, severity) for key in lab.keys(world.on("github"), commits)
            for severity in (FAILURE, SUCCESS)]
    load = Load(world.cluster.url, plan, senders=16)
    lab.report(f"failure, then success, latency up to {latency} ms", settle(world, load))


def flapping(lab, commits, seconds):
    """Failure, success, and the same failure again, within a minute.

    Half of the commits see them at once, the others each after the one before
    could be set.
    """
    world = lab.world()
    keys = lab.keys(world.on("github"), commits)
    plan = [Planned(i * seconds / 3 * (n % 2), key, severity)
            for n, key in enumerate(keys)
            for i, severity in enumerate((FAILURE, SUCCESS, FAILURE))]
    load = Load(world.cluster.url, sorted(plan, key=lambda p: p.at))
    figures = settle(world, load)
    lab.report("failure, success, failure", figures)
    statuses = world.forges["github"].statuses()
    seen = sum([c["state"] for c in statuses.get(key.sha, [])] ==
               ["failure", "success", "failure"] for key in keys[1::2])
    lab.check(f"each of the three is set where there is time: {seen} of {len(keys[1::2])}",
              seen == len(keys[1::2]))


def skewed_clocks(lab, commits, rounds, skew):
    """Senders whose clocks are up to `skew` seconds wrong.

    Each commit has a sender of its own with a clock of its own. Of some, a second
    sender with a clock that is behind reports later what is older, before and after
    the dispatchers were restarted.
    """
    world = lab.world()
    keys = lab.keys(world.on("github"), commits)
    plan = []
    for key in keys:
        ahead = lab.rng.uniform(-skew, skew)
        plan += [Planned(i * 0.5, key, lab.rng.choice((SUCCESS, FAILURE)), ahead)
                 for i in range(rounds)]
    load = Load(world.cluster.url, sorted(plan, key=lambda p: p.at))
    lab.report(f"each commit by a clock up to {skew} s wrong", settle(world, load))

    world = lab.world()
    keys = lab.keys(world.on("github"), commits)
    late = rounds * 0.5 + 8
    plan = [Planned(0, key, SUCCESS, skew) for key in keys]
    plan += [Planned(rounds * 0.5, key, FAILURE, -skew) for key in keys]
    plan += [Planned(late, key, FAILURE, -skew + 1) for key in keys]
    load = Load(world.cluster.url, plan)
    wait_until("the first statuses", lambda: len(world.forges["github"].statuses()) == commits)
    time.sleep(rounds * 0.5)
    for name in world.cluster.dispatchers:
        world.cluster[name].terminate()
    world.cluster.start(*world.cluster.dispatchers)
    figures = settle(world, load)
    # What came late must not be shown for a moment either.
    shown = sum(len(calls) for calls in world.forges["github"].statuses().values())
    lab.check(f"what comes late is not set: {shown - commits} were", shown == commits)
    lab.report("what comes late is older", figures)
