"""What would be wrong is seen to be: a scenario that cannot fail proves nothing."""

import pathlib
import random
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

# pylint: disable=wrong-import-position
from forge import Forge
from load import Key, Load, Planned, make_event, new_key
from verdict import Figures, count_duplicates, count_wrong

SHA, OTHER = "a" * 40, "b" * 40


class RecordedForge(Forge):
    """A forge with these calls, and no process."""

    def __init__(self, *calls):
        super().__init__(".")
        self._recorded = [{"number": i + 1, **call} for i, call in enumerate(calls)]

    def calls(self):
        return self._recorded


def call(at_ms, sha=SHA, state="success", effect=0, status=201, context="c", repository=0,
         took_ms=10):
    return {"at_ms": at_ms, "done_ms": at_ms + took_ms, "status": status, "effect": effect,
            "state": state, "context": context, "description": state,
            "path": f"/api/v3/repos/org/repo-{repository}/statuses/{sha}"}


class Verdict(unittest.TestCase):

    def count(self, truth, *calls):
        keys = {Key(sha, "github-0", "app"): severity for sha, severity in truth.items()}
        return count_wrong(RecordedForge(*calls), "github", keys)

    def test_a_commit_without_a_status_is_lost(self):
        self.assertEqual(self.count({SHA: "info", OTHER: "info"}, call(1, effect=1)), (1, 0))
        # A call that set nothing is none.
        self.assertEqual(self.count({SHA: "info"}, call(1, status=502)), (1, 0))

    def test_a_status_that_is_not_the_newest_is_stale(self):
        failed, succeeded = call(1, state="failure", effect=1), call(2, effect=2)
        self.assertEqual(self.count({SHA: "info"}, failed, succeeded), (0, 0))
        self.assertEqual(self.count({SHA: "error"}, failed, succeeded), (0, 1))
        # What was done last counts, not what was answered last.
        late = call(1, state="failure", effect=3)
        self.assertEqual(self.count({SHA: "info"}, late, succeeded), (0, 1))

    def test_two_contexts_of_one_commit_are_wrong(self):
        self.assertEqual(self.count({SHA: "info"}, call(1, effect=1, context="x"),
                                    call(2, effect=2, context="y")), (0, 1))

    def test_a_duplicate_needs_a_crash_of_its_own_while_the_first_was_under_way(self):
        calls = [call(10_000, effect=1), call(15_000, effect=2), call(20_000, effect=3)]
        for crashes, unexplained in (([], 2), ([10_005], 1), ([10_005, 15_005], 0),
                                     ([8_000], 2), ([12_000], 2)):
            with self.subTest(crashes):
                self.assertEqual(count_duplicates(RecordedForge(*calls), crashes),
                                 (2, unexplained))

    def test_a_crash_is_the_reason_of_one_duplicate_whatever_the_commit(self):
        calls = [call(10_000 + i, sha=sha, effect=i + 1)
                 for i, sha in enumerate((SHA, OTHER, SHA, OTHER))]
        self.assertEqual(count_duplicates(RecordedForge(*calls), [10_000]), (2, 1))
        self.assertEqual(count_duplicates(RecordedForge(*calls), [10_000, 10_001]), (2, 0))

    def test_a_state_that_comes_back_is_no_duplicate(self):
        calls = [call(1, effect=1), call(2, state="failure", effect=2), call(3, effect=3)]
        self.assertEqual(count_duplicates(RecordedForge(*calls), []), (0, 0))

    def test_calls_of_the_limited_credential_count_until_the_limit_ends(self):
        calls = [call(1_000, status=403), call(1_100), call(2_000), call(3_000, status=403),
                 call(4_000, repository=1), call(6_900)]
        # At 1,100 it was on its way; at 4,000 it is another credential's.
        self.assertEqual(RecordedForge(*calls).calls_in_limit(until=6), 2)
        self.assertEqual(RecordedForge(*calls).calls_in_limit(seconds=5), 2)
        self.assertEqual(RecordedForge(call(1)).calls_in_limit(seconds=5), 0)

    def test_what_is_wrong_is_said(self):
        right = dict(sent=5, accepted=5, lost=0, stale=0, duplicates=1, unexplained=0,
                     calls=9, seconds=1.0, in_limit=1)
        self.assertEqual(Figures(**right).wrong(), [])
        for name, value in (("accepted", 4), ("lost", 1), ("stale", 1), ("unexplained", 1),
                            ("in_limit", 2)):
            with self.subTest(name):
                self.assertEqual(len(Figures(**{**right, name: value}).wrong()), 1)


class Truth(unittest.TestCase):

    def test_it_is_the_newest_by_event_time_and_then_by_order(self):
        load = Load("http://127.0.0.1:1", [])
        key = new_key(random.Random(1), "github-0")
        load._taken[key] = [("2026-01-01T00:00:02Z", "info"), ("2026-01-01T00:00:01Z", "error")]
        self.assertEqual(load.truth(), {key: "info"})
        load._taken[key].append(("2026-01-01T00:00:02Z", "error"))
        self.assertEqual(load.truth(), {key: "error"})

    def test_a_clock_that_is_ahead_is_in_the_event(self):
        key = new_key(random.Random(1), "github-0")
        now, ahead = (make_event(Planned(0, key, "info", skew))["timestamp"]
                      for skew in (0, 3600))
        self.assertLess(now, ahead)


if __name__ == "__main__":
    unittest.main()
