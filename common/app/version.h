#pragma once

namespace lamplighter {

inline constexpr char kVersion[] = "0.1.0";

// The commit it was built from, where the build says so:
// --copt='-DLAMPLIGHTER_REVISION="abc123"'.
#ifdef LAMPLIGHTER_REVISION
inline constexpr char kRevision[] = LAMPLIGHTER_REVISION;
#else
inline constexpr char kRevision[] = "unknown";
#endif

}  // namespace lamplighter
