"""What is killed, stopped or cut off, under load."""

import time

from load import Load, once_each, spread
from verdict import settle


def kill_services(lab, kills, rate, pause):
    """kill -9 of ingest, of the provider worker and of a dispatcher, so many times each."""
    world = lab.world()
    forge, cluster = world.forges["github"], world.cluster
    forge.fault(latency_ms=20, jitter_ms=80)
    victims = [service for service in ("ingest", "provider", "dispatcher")
               for _ in range(kills)]
    lab.rng.shuffle(victims)
    pauses = [lab.rng.uniform(0, 2 * pause) for _ in victims]
    keys = lab.keys(world.on("github"), 400)
    load = Load(cluster.url, spread(lab.rng, keys, rate, sum(pauses) + 5))
    crashes = []
    for service, wait in zip(victims, pauses):
        time.sleep(wait)
        name = lab.rng.choice(cluster.dispatchers) if service == "dispatcher" else service
        cluster[name].kill()
        crashes.append(1000 * time.time())
        cluster.start(name, wait=False)
    lab.report(f"{len(victims)} kills", settle(world, load, crashes))


def kill_after_accept(lab, events):
    """kill -9 of everything as soon as the last of these events was answered 202.

    And once more with statuses under way, when offsets of what is done, and of
    nothing else, have been committed.
    """
    world = lab.world()
    cluster = world.cluster
    world.forges["github"].fault(latency_ms=2000)
    load = Load(cluster.url, once_each(lab.keys(world.on("github"), events), 1e6), senders=50)
    load.wait()
    crashes, set_before = [], []
    for under_way in (0, 3):
        time.sleep(under_way)
        for name in cluster.names:
            cluster[name].kill()
        crashes.append(1000 * time.time())
        set_before.append(len(world.forges["github"].statuses()))
        cluster.start()
    lab.report(f"all killed after the last 202, with {set_before[0]} set, and again with "
               f"{set_before[1]}", settle(world, load, crashes))


def stop_everything(lab, seconds, rate):
    """SIGTERM to everything, under load and with a forge that takes a second."""
    world = lab.world()
    cluster = world.cluster
    world.forges["github"].fault(latency_ms=1000)
    load = Load(cluster.url, spread(
        lab.rng, lab.keys(world.on("github"), 200), rate, seconds))
    time.sleep(seconds / 2)
    begun = time.monotonic()
    for name in cluster.names:
        cluster[name].send(15)
    codes = {name: cluster[name].wait() for name in cluster.names}
    lab.say(f"stopped in {time.monotonic() - begun:.1f} s with {codes}")
    lab.check(f"all end with 0 at SIGTERM: {codes}", not any(codes.values()))
    cluster.start()
    lab.report("SIGTERM", settle(world, load))


def rolling_restart(lab, rounds, rate, seconds):
    """Each of three dispatchers is stopped and started, one after the other."""
    world = lab.world()
    cluster = world.cluster
    load = Load(cluster.url, spread(
        lab.rng, lab.keys(world.on("github"), 200), rate, rounds * seconds))
    codes, begun = [], time.monotonic()
    for name in cluster.dispatchers * rounds:
        time.sleep(lab.rng.uniform(0, 2))
        codes.append(cluster[name].terminate())
        cluster.start(name)
    lab.say(f"{len(codes)} restarts in {time.monotonic() - begun:.1f} s")
    lab.check(f"each ends with 0 at SIGTERM: {codes}", not any(codes))
    lab.report("rolling restart", settle(world, load))


def kill_broker(lab, kills, away, rate):
    """The only broker is killed and started again, so many times; ingest has a spool."""
    world = lab.world()
    load = Load(world.cluster.url, spread(
        lab.rng, lab.keys(world.on("github"), 200), rate, kills * (away + 8)))
    for _ in range(kills):
        time.sleep(lab.rng.uniform(1, 3))
        world.brokers.kill()
        time.sleep(away)
        world.brokers.start(0)
        world.brokers.wait_for_all()
    lab.report(f"broker killed {kills} times", settle(world, load))
    refused = load.answers.total() - load.answers[202]
    lab.say(f"answers {dict(load.answers)}, slowest {load.slowest:.1f} s")
    lab.check(f"every event is answered 202 though there is no broker: {refused} were not",
              refused == 0)


def kill_brokers_in_turn(lab, rounds, rate, seconds):
    """Each of three brokers is killed and started again, one after the other."""
    world = lab.world(brokers=3)
    load = Load(world.cluster.url, spread(
        lab.rng, lab.keys(world.on("github"), 200), rate, rounds * seconds))
    for node in list(range(3)) * rounds:
        world.brokers.kill(node)
        time.sleep(lab.rng.uniform(1, 4))
        world.brokers.start(node)
        world.brokers.wait_for_all()
    lab.report(f"{3 * rounds} brokers killed in turn", settle(world, load))
    lab.say(f"answers {dict(load.answers)}, slowest {load.slowest:.1f} s")


def cut_network(lab, cuts, seconds, rate):
    """The network between dispatchers and provider worker drops everything for a while."""
    world = lab.world()
    load = Load(world.cluster.url, spread(
        lab.rng, lab.keys(world.on("github"), 200), rate, cuts * (seconds + 3)))
    crashes = []
    for _ in range(cuts):
        time.sleep(lab.rng.uniform(1, 3))
        world.cluster.wire.cut()
        crashes.append(1000 * time.time())  # answers under way do not arrive
        time.sleep(seconds)
        world.cluster.wire.mend()
    lab.report(f"network cut {cuts} times for {seconds} s", settle(world, load, crashes))
