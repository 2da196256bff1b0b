"""What must hold in the end, and the figures of it."""

import dataclasses
import time

SETTLE = 150  # seconds until everything is as it must be


@dataclasses.dataclass
class Figures:
    """How one experiment went."""
    sent: int
    accepted: int
    lost: int  # commits that an accepted event was for, without any status
    stale: int  # commits whose status is not that of the newest event
    duplicates: int  # statuses set again, as they were
    unexplained: int  # of these, without a crash while the first was under way
    calls: int  # of the forge, reads and all
    seconds: float  # from the end of the load until all was right
    in_limit: int = 0  # most calls while one limit lasted

    def __str__(self):
        return (f"sent {self.sent}, accepted {self.accepted}, lost {self.lost}, "
                f"stale {self.stale}, duplicate posts {self.duplicates} "
                f"({self.unexplained} unexplained), calls {self.calls}, "
                f"in a limit {self.in_limit}, settled in {self.seconds:.1f} s")

    def wrong(self):
        """What does not hold of what must; empty if all does."""
        checks = {"never taken": self.sent - self.accepted, "lost": self.lost,
                  "stale": self.stale, "posted twice without a crash": self.unexplained,
                  "calls too many in a limit": max(0, self.in_limit - 1)}
        return [f"{count} {what}" for what, count in checks.items() if count]


def settle(world, load, crashes=(), deadline=SETTLE):
    """{forge: Figures}, once all is right and nothing is under way, or time is up.

    `crashes` are when processes were killed, in milliseconds of time.time().
    """
    load.wait()
    begun, right = time.monotonic(), None
    while time.monotonic() < begun + deadline:
        if not is_right(world, load.truth()) or not world.cluster.is_idle():
            right = None
            time.sleep(0.5)
            continue
        right = right or time.monotonic()
        # What is read again after a crash may still come.
        if world.brokers.lag() == 0 and world.cluster.is_idle():
            break
    seconds = (right or time.monotonic()) - begun
    return {kind: figures(world, kind, load, crashes, seconds)
            for kind in sorted({key.forge for key in load.truth()})}


def is_right(world, truth):
    return not any(any(count_wrong(world.forges[kind], kind, truth))
                   for kind in {key.forge for key in truth})


def figures(world, kind, load, crashes, seconds):
    forge = world.forges[kind]
    lost, stale = count_wrong(forge, kind, load.truth())
    duplicates, unexplained = count_duplicates(forge, crashes)
    return Figures(load.sent[kind], load.accepted[kind], lost, stale, duplicates,
                   unexplained, len(forge.calls()), seconds)


def count_wrong(forge, kind, truth):
    """How many commits have no status, and how many one that is not the newest."""
    shown = forge.statuses()
    mine = {key.sha: severity for key, severity in truth.items() if key.forge == kind}
    lost = sum(sha not in shown for sha in mine)
    stale = sum(shown[sha][-1]["state"] != forge.state(severity)
                or len({call["context"] for call in shown[sha]}) > 1
                for sha, severity in mine.items() if sha in shown)
    return lost, stale


def count_duplicates(forge, crashes):
    """How many statuses were set again as they were, and how many of them for no reason.

    The reason is a crash while the first call was under way, or so shortly after
    that nothing could have been written down about it. A crash is one for one call.
    """
    repeated = [first for calls in forge.statuses().values()
                for first, second in zip(calls, calls[1:]) if same(first) == same(second)]
    unexplained, unused = 0, sorted(crashes)
    for first in sorted(repeated, key=lambda call: call["at_ms"]):
        reasons = [crash for crash in unused
                   if first["at_ms"] - 1000 <= crash <= first["done_ms"] + 1000]
        if reasons:
            unused.remove(reasons[0])
        else:
            unexplained += 1
    return len(repeated), unexplained


def same(call):
    return call["context"], call["state"], call["description"]
