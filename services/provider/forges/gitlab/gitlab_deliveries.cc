#include "services/provider/forges/gitlab/gitlab_deliveries.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "services/provider/forges/gitlab/gitlab_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "simdjson.h"

namespace lamplighter::provider::gitlab {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

std::string EventsPath(const ForgeCall& call, absl::string_view webhook) {
  return absl::StrCat(ProjectPath(call), "/hooks/", PercentEncode(webhook),
                      "/events");
}

// A status is a code, or "internal error" where there was no answer: no filter
// of GitLab's finds all that failed, and what was delivered since. Servers that
// send no key make an event known by itself.
absl::StatusOr<WebhookDelivery> ReadEvent(element event) {
  WebhookDelivery delivery;
  if (event["id"].get(delivery.id)) return UnreadableAnswer();
  delivery.guid = StringAtPointer(event, "/request_headers/Idempotency-Key");
  if (delivery.guid.empty()) delivery.guid = absl::StrCat(delivery.id);
  const std::string status = StringAt(event, "response_status");
  delivery.has_failed = status.size() != 3 || status[0] != '2';
  // GitLab has not kept what it sent, and would send something else.
  bool is_oversize = false;
  if (!event["request_data"]["oversize"].get(is_oversize) && is_oversize) {
    delivery.has_failed = false;
  }
  return delivery;
}

}  // namespace

asio::awaitable<absl::StatusOr<DeliveryPage>> ListDeliveries(
    ForgeCall& call, std::string webhook, std::string page) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int number, PageNumber(page));
  // GitLab refuses to put more than 20 on a page.
  const absl::StatusOr<HttpResult> answer = co_await Request(
      call, "GET",
      absl::StrCat(EventsPath(call, webhook), "?per_page=20&page=", number),
      "");
  if (absl::IsNotFound(answer.status())) {
    co_return absl::NotFoundError(absl::StrCat(
        answer.status().message(), ": webhook ", webhook, " of ",
        call.repository(), " is gone, or this GitLab is older than 17.3"));
  }
  if (!answer.ok()) co_return answer.status();
  DeliveryPage result;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      result.deliveries, ReadList<WebhookDelivery>(answer->body, &ReadEvent));
  if (HasNextPage(answer->headers)) result.next = absl::StrCat(number + 1);
  co_return result;
}

asio::awaitable<absl::Status> Redeliver(ForgeCall& call, std::string webhook,
                                        int64_t delivery) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Send(
          call, "POST",
          absl::StrCat(EventsPath(call, webhook), "/", delivery, "/resend"),
          ""));
  if (answer.status / 100 == 2) co_return absl::OkStatus();
  const std::string text = call.Quote(ErrorText(answer.body));
  // Its own limit, which says nothing of the credential's; and a webhook that
  // failed too often.
  if ((answer.status == 429 && absl::StrContains(text, "This endpoint")) ||
      (answer.status == 422 && absl::StrContains(text, "Hook disabled"))) {
    co_return absl::FailedPreconditionError(text);
  }
  co_return StatusFromError(call, answer);
}

}  // namespace lamplighter::provider::gitlab
