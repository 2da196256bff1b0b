"""All scenarios, in a long form and in a short one."""

import dataclasses
from typing import Callable

import crashes
import order
import outages


@dataclasses.dataclass
class Scenario:
    """An experiment with its sizes."""
    run: Callable
    long: dict
    short: dict


ALL_FAULTS = tuple(outages.FAULTS)

# In the order that they are run in; those with one broker share a world.
SCENARIOS = {
    "kills": Scenario(crashes.kill_services,
                      dict(kills=20, rate=30, pause=4), dict(kills=1, rate=30, pause=2)),
    "accepted": Scenario(crashes.kill_after_accept,
                         dict(events=500), dict(events=300)),
    "broker": Scenario(crashes.kill_broker,
                       dict(kills=5, away=8, rate=30), dict(kills=1, away=4, rate=20)),
    "outages": Scenario(outages.forge_outages,
                        dict(faults=ALL_FAULTS, bad=10, total=15, rate=50, other_rate=10),
                        dict(faults=("502", "429, Retry-After 5"), bad=3, total=5,
                             rate=10, other_rate=4)),
    "long-outages": Scenario(outages.forge_outages,
                             dict(faults=ALL_FAULTS, bad=40, total=45, rate=10,
                                  other_rate=5),
                             dict(faults=("rate limit", "hang"), bad=4, total=5,
                                  rate=10, other_rate=4, without=("bitbucket",))),
    "order": Scenario(order.back_to_back,
                      dict(commits=300, latency=1000), dict(commits=60, latency=300)),
    "flapping": Scenario(order.flapping,
                         dict(commits=60, seconds=45), dict(commits=20, seconds=6)),
    "rolling": Scenario(crashes.rolling_restart,
                        dict(rounds=3, rate=30, seconds=20),
                        dict(rounds=1, rate=10, seconds=8)),
    "stop": Scenario(crashes.stop_everything,
                     dict(seconds=20, rate=30), dict(seconds=6, rate=20)),
    "clocks": Scenario(order.skewed_clocks,
                       dict(commits=60, rounds=10, skew=90),
                       dict(commits=20, rounds=4, skew=90)),
    "credential": Scenario(outages.revoked_credential,
                           dict(seconds=30, rate=20), dict(seconds=4, rate=15)),
    "network": Scenario(crashes.cut_network,
                        dict(cuts=4, seconds=15, rate=20), dict(cuts=1, seconds=5, rate=15)),
    "brokers": Scenario(crashes.kill_brokers_in_turn,
                        dict(rounds=2, rate=30, seconds=40),
                        dict(rounds=1, rate=15, seconds=20)),
}
