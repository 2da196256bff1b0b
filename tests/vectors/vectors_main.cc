// Checks a file of vectors, what Flux's notification-controller made of inputs,
// against Lamplighter's own code: vectors FILE. README.md has the format.

#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/json/serialize.hpp"
#include "tests/vectors/rules.h"
#include "tests/vectors/subjects.h"
#include "tests/vectors/vector.h"

namespace lamplighter::vectors {
namespace {

struct Counts {
  int agree = 0;
  int deliberate = 0;
  int wrong = 0;
  int unsupported = 0;

  std::string ToString() const {
    return absl::StrCat("agree ", agree, ", deliberate ", deliberate,
                        ", wrong ", wrong, ", unsupported ", unsupported);
  }
};

std::string Show(const Answer& answer) {
  return answer.refused() ? absl::StrCat("refusal: ", answer.error)
                          : boost::json::serialize(answer.value);
}

class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  void Check(int line, const Vector& vector) {
    const absl::StatusOr<Comparison> answers = Compare(vector);
    if (absl::IsNotFound(answers.status())) {
      ++without_input_;
    } else if (!answers.ok()) {
      Add(vector, &Counts::unsupported);
      Tell("unsupported", line, vector, Show(vector.flux),
           answers.status().ToString());
    } else if (Agree(answers->flux, answers->ours)) {
      Add(vector, &Counts::agree);
    } else if (const Rule* rule = FindRule(vector, *answers)) {
      Add(vector, &Counts::deliberate);
      ++by_rule_[rule];
    } else {
      Add(vector, &Counts::wrong);
      Tell("wrong", line, vector, Show(answers->flux), Show(answers->ours));
    }
  }

  // Whether all there was is as it should be.
  bool Finish() const {
    for (const auto& [rule, count] : by_rule_) {
      std::cout << "deliberate " << count << ", " << rule->name << ": "
                << rule->why << "\n";
    }
    for (const auto& [fn, counts] : by_fn_) {
      std::cout << fn << ": " << counts.ToString() << "\n";
    }
    if (without_input_ > 0) {
      std::cout << without_input_ << " without an input, not counted\n";
    }
    std::cout << total_.ToString() << "\n";
    return !by_fn_.empty() && total_.wrong == 0 && total_.unsupported == 0;
  }

 private:
  void Add(const Vector& vector, int Counts::* verdict) {
    ++(by_fn_[vector.fn].*verdict);
    ++(total_.*verdict);
  }

  void Tell(const char* verdict, int line, const Vector& vector,
            const std::string& wanted, const std::string& came) const {
    std::cout << file_ << ":" << line << ": " << verdict << ": " << vector.fn
              << "\n  in:     " << boost::json::serialize(vector.in)
              << "\n  wanted: " << wanted << "\n  came:   " << came << "\n";
  }

  const std::string file_;
  std::map<std::string, Counts> by_fn_;
  std::map<const Rule*, int> by_rule_;  // in the order of the table
  Counts total_;
  int without_input_ = 0;
};

int Main(const char* path) {
  std::ifstream file(path);
  if (!file) {
    std::cerr << "vectors: " << path << ": cannot be read\n";
    return 2;
  }
  Report report(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    const absl::StatusOr<Vector> vector = ParseVector(line);
    if (!vector.ok()) {
      std::cerr << path << ":" << number << ": " << vector.status().message()
                << "\n";
      return 2;
    }
    report.Check(number, *vector);
  }
  return report.Finish() ? 0 : 1;
}

}  // namespace
}  // namespace lamplighter::vectors

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: ./dev vectors FILE\n";
    return 2;
  }
  return lamplighter::vectors::Main(argv[1]);
}
