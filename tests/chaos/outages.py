"""What goes wrong at forges and with credentials, under load."""

import math
import time

from load import Load, once_each
from verdict import settle

FAULTS = {
    "502": {"status": 502},
    "rate limit": {"rate_limit_until": None},  # 403 on GitHub, 429 elsewhere
    "429, Retry-After 5": {"status": 429, "retry_after_s": 5},
    "hang": {"hang": True},
    "reset": {"reset": True},
}
# These say 429 and not for how long: Bitbucket Cloud is left alone for a minute then.
SAY_NOTHING = ("bitbucket", "bitbucketserver")


def forge_outages(lab, faults, bad, total, rate, other_rate, without=()):
    """Every forge fails for `bad` of `total` seconds, in each way.

    `rate` events a second go to GitHub and `other_rate` to each other forge that
    is not in `without`, each for a commit of its own.
    """
    for fault in faults:
        world = lab.world()
        plan = []
        for kind in [kind for kind in world.forges if kind not in without]:
            events = rate if kind == "github" else other_rate
            plan += once_each(lab.keys(world.on(kind), int(total * events)), events)
        load = Load(world.cluster.url, sorted(plan, key=lambda p: p.at), senders=24)
        time.sleep((total - bad) / 2)
        until = time.time() + bad
        for forge in world.forges.values():
            forge.fault(**make_fault(fault, bad, until))
        found = settle(world, load)
        for kind, one in found.items():
            if kind not in SAY_NOTHING or fault != "rate limit":
                one.in_limit = in_limit(world.forges[kind], fault, until)
        lab.report(f"{fault} for {bad} s of {total} s", found)


def make_fault(name, seconds, until):
    fault = dict(FAULTS[name], for_ms=int(1000 * seconds))
    if "rate_limit_until" in fault:
        fault["rate_limit_until"] = math.ceil(until)
    return fault


def in_limit(forge, fault, until):
    """The most calls during a limit; 0 where the fault is none."""
    if fault == "rate limit":
        return forge.calls_in_limit(until=until)
    if fault.startswith("429"):
        return forge.calls_in_limit(seconds=5)
    return 0


def revoked_credential(lab, seconds, rate):
    """One Provider's token is refused until its Secret has a new one; others go on."""
    world = lab.world()
    forge, cluster = world.forges["github"], world.cluster
    revoked, *others = world.on("github")
    forge.fault(status=401, credential=f"token-of-{revoked}")
    begun = 1000 * time.time()
    keys = lab.keys([revoked, *others], int(rate * seconds))
    load = Load(cluster.url, once_each(keys, rate))
    load.wait()
    waiting = {key.sha for key in keys if key.namespace == revoked}
    time.sleep(2)
    statuses = forge.statuses()
    unaffected = sum(key.sha in statuses for key in keys) / (len(keys) - len(waiting))
    lab.check(f"the others' statuses are set meanwhile: {unaffected:.0%}", unaffected == 1)
    refused = [call for call in forge.calls() if call["status"] == 401]
    lab.say(f"{len(refused)} calls with the revoked credential in "
            f"{time.time() - begun / 1000:.0f} s, for {len(waiting)} statuses that wait")
    lab.check("its work waits", not waiting & set(statuses))
    cluster.set_token(revoked, f"new-{lab.rng.getrandbits(64):x}")
    lab.report("one credential revoked", settle(world, load, deadline=330))
