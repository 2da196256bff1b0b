#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/time/proto_time.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/deliverer/deliverer.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// Remembers what the deliverer asked for.
class RecordingPort final : public DeliveryPort {
 public:
  struct StartedCall {
    uint64_t id;
    v1::StatusIntent intent;
    bool known_different;
  };

  void Call(uint64_t call, const ReceivedIntent& received,
            bool known_different) override {
    calls.push_back({call, received.intent, known_different});
  }
  void Finish(FinishedIntent done) override {
    finished.push_back(std::move(done));
  }
  void Park(ParkedIntent left) override { parked.push_back(std::move(left)); }

  std::vector<StartedCall> calls;
  std::vector<FinishedIntent> finished;
  std::vector<ParkedIntent> parked;
};

// A deliverer with a clock that stands still, whose partitions 0 to 2 begin
// with an empty ledger.
class DelivererTest : public ::testing::Test {
 protected:
  DelivererTest() {
    for (int32_t partition : {0, 1, 2}) ledger_.Open(partition);
  }

  // An intent for the context "c" of one commit, `at` seconds after the start.
  static v1::StatusIntent Intent(v1::CommitState state, int at,
                                 const std::string& description = "d") {
    v1::StatusIntent intent;
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(std::string(40, 'a'));
    intent.set_context("c");
    intent.mutable_provider()->set_namespace_("flux-system");
    intent.mutable_provider()->set_name("github");
    intent.set_state(state);
    intent.set_description(description);
    intent.mutable_event_time()->set_seconds(1'700'000'000 + at);
    return intent;
  }
  static v1::StatusIntent OfContext(const std::string& context,
                                    v1::StatusIntent intent) {
    intent.set_context(context);
    return intent;
  }
  static v1::StatusIntent OfProvider(const std::string& provider,
                                     v1::StatusIntent intent) {
    intent.mutable_provider()->set_name(provider);
    return intent;
  }
  static v1::StatusIntent OfRepository(const std::string& repository,
                                       v1::StatusIntent intent) {
    intent.set_repository_id(repository);
    return intent;
  }
  void Submit(Deliverer& deliverer, v1::StatusIntent intent,
              int32_t partition = 0) {
    deliverer.Submit(
        {std::move(intent), {"intents", partition, offset_++}, "", {}});
  }
  void Submit(v1::StatusIntent intent, int32_t partition = 0) {
    Submit(deliverer_, std::move(intent), partition);
  }
  void Succeed(size_t call, bool written = true) {
    Succeed(deliverer_, call, written);
  }
  void Succeed(Deliverer& deliverer, size_t call, bool written = true) {
    v1::SetCommitStatusResponse response;
    response.set_written(written);
    deliverer.OnAnswer(port_.calls.at(call).id, response);
  }
  void Fail(size_t call, const absl::Status& error) {
    deliverer_.OnAnswer(port_.calls.at(call).id, error);
  }
  // Lets time pass until something is due, here or elsewhere, and does it.
  void AdvanceToNextDue() {
    absl::Duration wait = deliverer_.NextDue() - clock_.MonotonicNow();
    for (const ParkedIntent& parked : port_.parked) {
      wait = std::min(wait, NotBefore(parked) - clock_.Now());
    }
    ASSERT_NE(wait, absl::InfiniteDuration()) << "nothing waits";
    if (wait > absl::ZeroDuration()) clock_.Advance(wait);
    ReturnWhatIsDue();
    deliverer_.Tick();
  }
  void ReturnWhatIsDue() {
    for (ParkedIntent& parked : std::exchange(port_.parked, {})) {
      if (NotBefore(parked) > clock_.Now()) {
        port_.parked.push_back(std::move(parked));
      } else {
        Submit(std::move(parked.intent), parked.origin.partition);
      }
    }
  }
  static absl::Time NotBefore(const ParkedIntent& parked) {
    return FromProto(parked.intent.retry().not_before());
  }
  std::vector<std::string> Results() const {
    std::vector<std::string> results;
    for (const FinishedIntent& finished : port_.finished) {
      results.push_back(absl::StrCat(
          finished.origin.offset, " ",
          v1::StatusOutcome::Result_Name(finished.outcome.result())));
    }
    return results;
  }

  FakeClock clock_;
  absl::BitGen random_;
  RecordingPort port_;
  Ledger ledger_{1000};
  Deliverer deliverer_{{}, clock_, random_, ledger_, port_};
  int64_t offset_ = 0;
};

}  // namespace lamplighter::dispatcher
