#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lamplighter {

// Cuts what comes piece by piece into lines.
class LineSplitter {
 public:
  using OnLine = std::function<absl::Status(absl::string_view line)>;

  // `on_line` is given each line that has ended, without its end.
  LineSplitter(size_t max_line, OnLine on_line)
      : max_line_(max_line), on_line_(std::move(on_line)) {}

  // The first error of `on_line`, after which no more should be given; DataLoss
  // for a line longer than `max_line`.
  absl::Status Take(absl::string_view piece) {
    for (size_t end; (end = piece.find('\n')) != absl::string_view::npos;) {
      const absl::string_view head = piece.substr(0, end);
      piece.remove_prefix(end + 1);
      absl::Status status;
      if (begun_.empty()) {
        status = on_line_(head);
      } else {
        begun_.append(head.data(), head.size());
        status = on_line_(begun_);
        begun_.clear();
      }
      if (!status.ok()) return status;
    }
    if (piece.size() > max_line_ - begun_.size()) {
      return absl::DataLossError(
          absl::StrCat("a line is longer than ", max_line_, " bytes"));
    }
    begun_.append(piece.data(), piece.size());
    return absl::OkStatus();
  }

 private:
  const size_t max_line_;
  const OnLine on_line_;
  std::string begun_;  // a line whose end has not come
};

}  // namespace lamplighter
