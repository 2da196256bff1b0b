"""Events as Flux's controllers send them, and what the forge has to show in the end."""

import collections
import dataclasses
import threading
import time
from http import client

from harness import flux_event, http


@dataclasses.dataclass(frozen=True)
class Key:
    """A commit on which one object reports; nothing else sets a status there."""
    sha: str
    namespace: str
    name: str

    @property
    def forge(self):
        """The type of the forge that the namespace's Provider leads to."""
        return self.namespace.split("-")[0]


@dataclasses.dataclass
class Planned:
    """An event to be sent `at` seconds after the beginning.

    `skew` is how far the sender's clock is ahead, in seconds.
    """
    at: float
    key: Key
    severity: str
    skew: float = 0


def new_key(rng, namespace, name="app"):
    return Key(f"{rng.getrandbits(160):040x}", namespace, name)


def spread(rng, keys, rate, seconds):
    """`rate` successes and failures a second, at random, each on one of `keys`."""
    return [Planned(i / rate, rng.choice(keys), rng.choice(("info", "error")))
            for i in range(int(rate * seconds))]


def once_each(keys, rate):
    """One success on each key, `rate` a second."""
    return [Planned(i / rate, key, "info") for i, key in enumerate(keys)]


class Load:
    """Sends a plan from `senders` threads, each key's events from one of them.

    A sender repeats an event until it is answered 202 and only then sends its
    next, as long as there is time; so each key has an order to keep.
    """

    def __init__(self, url, plan, senders=16, deadline=300):
        self._url = url
        self._begun = time.monotonic()
        self._end = self._begun + deadline
        self._lock = threading.Lock()
        self.sent = collections.Counter(planned.key.forge for planned in plan)
        self.accepted = collections.Counter()  # by forge, as sent
        self.answers = collections.Counter()
        self.slowest = 0.0
        self._taken = {}  # key: (event time, severity) in the order of their 202
        self._threads = []
        for i in range(senders):
            mine = [p for p in plan if int(p.key.sha[:8], 16) % senders == i]
            thread = threading.Thread(target=self._send, args=(mine,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self):
        for thread in self._threads:
            thread.join(max(0, self._end + 20 - time.monotonic()))

    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    def truth(self):
        """{key: severity} of what was accepted: the newest by event time, then by order."""
        with self._lock:
            return {key: max(enumerate(taken), key=lambda t: (t[1][0], t[0]))[1][1]
                    for key, taken in self._taken.items()}

    def _send(self, plan):
        for planned in plan:
            early = self._begun + planned.at - time.monotonic()
            if early > 0:
                time.sleep(early)
            event = make_event(planned)
            while not self._post(event):
                if time.monotonic() > self._end:
                    return
                time.sleep(0.1)
            with self._lock:
                self.accepted[planned.key.forge] += 1
                self._taken.setdefault(planned.key, []).append(
                    (event["timestamp"], planned.severity))

    def _post(self, event):
        begun = time.monotonic()
        try:
            status = http("POST", f"{self._url}/", event).status
        except (OSError, client.HTTPException) as error:
            status = type(error).__name__  # ingest was killed, or is not there
        with self._lock:
            self.answers[status] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
        return status == 202


def make_event(planned):
    """As kustomize-controller sends it, by a clock that may be wrong."""
    # One message for all: where that alone changes, the status waits for minutes.
    error = "Deployment/app not ready" if planned.severity == "error" else None
    event = flux_event(planned.key.namespace, planned.key.name, planned.key.sha, error)
    event["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                       time.gmtime(time.time() + planned.skew))
    return event
