"""Where the scenarios run, and what they say."""

import contextlib
import random

from brokers import Brokers
from cluster import Cluster, Target
from forge import TYPES, Forge
from load import new_key
from processes import temporary_directory

GITHUB_REPOSITORIES = 4


class World:
    """Brokers, a forge of each type, and Lamplighter with three dispatchers.

    Providers are in namespaces "github-0" to "github-3", "gitlab-0" and so on,
    with tokens "token-of-github-0" and so on.
    """

    def __init__(self, brokers):
        self._stack = contextlib.ExitStack()
        try:
            self._start(brokers)
        except BaseException:
            self.close()
            raise

    def _start(self, brokers):
        directory = self._stack.enter_context(temporary_directory())
        for name in ("kafka", "forges", "lamplighter"):
            (directory / name).mkdir()
        self.brokers = Brokers(directory / "kafka", brokers)
        self._stack.callback(self.brokers.down)
        self.brokers.up()
        self.forges = {kind: Forge(directory / "forges", kind) for kind in TYPES}
        targets = []
        for kind, forge in self.forges.items():
            forge.up()
            self._stack.callback(forge.down)
            for i in range(GITHUB_REPOSITORIES if kind == "github" else 1):
                targets.append(Target(f"{kind}-{i}", kind, forge.address(i),
                                      f"token-of-{kind}-{i}"))
        self.namespaces = [target.namespace for target in targets]
        self.cluster = Cluster(directory / "lamplighter", self.brokers, targets,
                               dispatchers=3, wired=True)
        self._stack.callback(self.cluster.stop)
        self.cluster.start()

    def on(self, kind):
        """The namespaces that lead to a forge of this type."""
        return [n for n in self.namespaces if n.startswith(f"{kind}-")]

    def begin(self):
        for forge in self.forges.values():
            forge.forget()

    def close(self):
        self._stack.close()


class Lab:
    """Runs scenarios one after the other, in one world as long as all is well."""

    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random()
        self.wrong = []
        self._world = None
        self._brokers = 0

    def world(self, brokers=1):
        """A world with so many brokers, in which nothing is under way."""
        if self._world is None or self._brokers != brokers:
            self.close()
            self._world, self._brokers = World(brokers), brokers
        self._world.begin()
        return self._world

    def keys(self, namespaces, count):
        """So many commits, one repository after the other."""
        return [new_key(self.rng, namespaces[i % len(namespaces)]) for i in range(count)]

    def report(self, what, figures):
        """Prints {forge: Figures}, and remembers what is wrong with them."""
        for kind, one in figures.items():
            self.say(f"{what}, {kind}: {one}")
            self.wrong += [f"{what}, {kind}: {wrong}" for wrong in one.wrong()]

    def check(self, what, is_right):
        """Remembers `what` as wrong unless it is right."""
        if not is_right:
            self.say(f"WRONG: {what}")
            self.wrong.append(what)

    def say(self, text):
        print(text, flush=True)

    def run(self, name, scenario, size):
        """What was wrong, in words; empty if nothing was."""
        self.wrong = []
        # The same whatever ran before, and other commits than another scenario's.
        self.rng.seed(f"{self.seed} {name}")
        try:
            scenario(self, **size)
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
        if self.wrong:
            if self._world is not None:
                self.say(self._world.cluster.state())
            self.close()  # whatever it left behind is no beginning for the next
        return self.wrong

    def close(self):
        if self._world is not None:
            self._world.close()
            self._world = None
