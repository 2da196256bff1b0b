#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/time/clock.h"

namespace lamplighter {

// An attempt of a forge's to deliver an event to a webhook.
struct ScriptedAttempt {
  int64_t id = 0;
  std::string guid;  // the event's
  absl::Time at;
  int code = 0;  // that the receiver answered; 0 for no answer
  bool is_redelivery = false;
  int64_t installation = 0;  // of an App; 0 for none
};

// What a scripted forge remembers of its deliveries, by webhook. Nothing is
// sent: a test says what the receiver answers.
class ScriptedDeliveries {
 public:
  // `clock` must outlive this.
  explicit ScriptedDeliveries(const Clock& clock) : clock_(clock) {}

  // What the receiver answers from now on; 0 for nothing.
  void SetAnswer(int code) { code_ = code; }

  // A new event is delivered, or was so long ago. Returns its guid.
  std::string Deliver(const std::string& webhook,
                      absl::Duration ago = absl::ZeroDuration(),
                      int64_t installation = 0);

  // The event of that attempt is delivered again: the new attempt, or null
  // where there is none of that id or it is older than `window`.
  const ScriptedAttempt* DeliverAgain(const std::string& webhook, int64_t id,
                                      absl::Duration window);

  // The oldest first.
  const std::vector<ScriptedAttempt>& Of(const std::string& webhook) {
    return attempts_[webhook];
  }

  // The codes that an event's attempts were answered with, in their order.
  std::vector<int> CodesOf(const std::string& webhook, const std::string& guid);

  void Clear() { attempts_.clear(); }

 private:
  const Clock& clock_;
  int code_ = 202;
  int64_t last_id_ = 0;
  std::map<std::string, std::vector<ScriptedAttempt>> attempts_;
};

}  // namespace lamplighter
