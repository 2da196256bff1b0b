#pragma once

#include "tests/vectors/vector.h"

// Rules about where a repository is; what each stands for is said in rules.cc.
namespace lamplighter::vectors {

bool AddressOfAServer(const Vector& vector, const Comparison& answers);
bool AddressNormalized(const Vector& vector, const Comparison& answers);
bool ApiOverHttps(const Vector& vector, const Comparison& answers);
bool NoCredentialsInUrls(const Vector& vector, const Comparison& answers);
bool BitbucketServerAddresses(const Vector& vector, const Comparison& answers);
bool AzureDevOpsAddresses(const Vector& vector, const Comparison& answers);
bool GiteaBelowAPath(const Vector& vector, const Comparison& answers);

}  // namespace lamplighter::vectors
