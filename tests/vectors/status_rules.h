#pragma once

#include "tests/vectors/vector.h"

// Rules about what is set, and where an event goes; what each stands for is
// said in rules.cc.
namespace lamplighter::vectors {

bool CommitIsHex(const Vector& vector, const Comparison& answers);
bool CommitInLowerCase(const Vector& vector, const Comparison& answers);
bool Sha256Commits(const Vector& vector, const Comparison& answers);
bool ForwardedMetadata(const Vector& vector, const Comparison& answers);
bool DefaultSeverity(const Vector& vector, const Comparison& answers);
bool NewestStatusCounts(const Vector& vector, const Comparison& answers);
bool GitHubContextsIgnoreCase(const Vector& vector, const Comparison& answers);
bool BitbucketAccessTokens(const Vector& vector, const Comparison& answers);
bool NoEmptyLink(const Vector& vector, const Comparison& answers);
bool CutToTheLimit(const Vector& vector, const Comparison& answers);
bool OneCleanLine(const Vector& vector, const Comparison& answers);
bool ReasonsInAscii(const Vector& vector, const Comparison& answers);
bool NoEmptyContext(const Vector& vector, const Comparison& answers);

}  // namespace lamplighter::vectors
