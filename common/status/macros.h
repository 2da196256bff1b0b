#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function if `expr`, an absl::Status, is an error.
#define LAMPLIGHTER_RETURN_IF_ERROR(expr)                                   \
  do {                                                                      \
    if (absl::Status lamplighter_status = (expr); !lamplighter_status.ok()) \
      return lamplighter_status;                                            \
  } while (false)

// The same within a coroutine.
#define LAMPLIGHTER_CO_RETURN_IF_ERROR(expr)                                \
  do {                                                                      \
    if (absl::Status lamplighter_status = (expr); !lamplighter_status.ok()) \
      co_return lamplighter_status;                                         \
  } while (false)

// Assigns the value of `expr`, an absl::StatusOr, to `lhs` (which may declare a
// variable) or returns its error from the enclosing function.
#define LAMPLIGHTER_ASSIGN_OR_RETURN(lhs, expr)                            \
  LAMPLIGHTER_MACROS_ASSIGN(                                               \
      LAMPLIGHTER_MACROS_CONCAT(lamplighter_result_, __LINE__), lhs, expr, \
      return)

// The same within a coroutine.
#define LAMPLIGHTER_CO_ASSIGN_OR_RETURN(lhs, expr)                         \
  LAMPLIGHTER_MACROS_ASSIGN(                                               \
      LAMPLIGHTER_MACROS_CONCAT(lamplighter_result_, __LINE__), lhs, expr, \
      co_return)

#define LAMPLIGHTER_MACROS_ASSIGN(result, lhs, expr, return_keyword) \
  auto result = (expr);                                              \
  if (!result.ok()) return_keyword result.status();                  \
  lhs = *std::move(result)
#define LAMPLIGHTER_MACROS_CONCAT_INNER(a, b) a##b
#define LAMPLIGHTER_MACROS_CONCAT(a, b) LAMPLIGHTER_MACROS_CONCAT_INNER(a, b)
