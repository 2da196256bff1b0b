#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_client.h"
#include <curl/curl.h>

namespace lamplighter {

// One request on a libcurl handle: sets it up, takes in the answer and says
// what came of it. libcurl refers to it, so it stays where it is until the
// handle is given back.
class CurlTransfer {
 public:
  // Both must outlive it.
  CurlTransfer(CURL* easy, const HttpCall& call) : easy_(easy), call_(call) {}
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // InvalidArgument if method, header or transport cannot be sent.
  absl::Status Prepare(const std::string& user_agent, absl::Duration timeout);

  // Once the transfer has ended with `code`.
  absl::StatusOr<HttpResult> TakeResult(CURLcode code);

  // Where the answer sends the call, if it may go there: the same scheme, host
  // and port, and by the same method.
  absl::optional<std::string> RedirectUrl() const;

 private:
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  static size_t OnHeader(const char* data, size_t size, size_t count,
                         void* self);
  static size_t OnBody(const char* data, size_t size, size_t count, void* self);

  template <typename Value>
  void Set(CURLoption option, Value value) {
    if (setup_ == CURLE_OK) setup_ = curl_easy_setopt(easy_, option, value);
  }
  void SetMethodAndBody();
  absl::Status SetHeaders();
  void SetTransport();
  void AppendHeader(const std::string& line);
  absl::Status ErrorFor(CURLcode code) const;
  // Whether the answer's body goes to the call's on_body.
  bool IsStreamed() const;
  // Whether any of the request can have reached the server.
  bool MayHaveBeenSent() const;

  CURL* const easy_;
  const HttpCall& call_;
  CURLcode setup_ = CURLE_OK;
  std::unique_ptr<curl_slist, FreeList> header_lines_;
  std::array<char, CURL_ERROR_SIZE> cause_{};
  HttpResult result_;
  size_t header_size_ = 0;
  bool too_large_ = false;
  absl::Status refused_;  // what on_body returned
};

}  // namespace lamplighter
