#include "net/http_fetch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <curl/curl.h>

namespace sealtrail::net {
namespace {

constexpr int kRedirectsMax = 3;
constexpr size_t kHeaderBytesMax = 64 * kKiB;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using HandlePtr = std::unique_ptr<CURL, FreeHandle>;
using ListPtr = std::unique_ptr<curl_slist, FreeList>;
using UrlPtr = std::unique_ptr<CURLU, FreeUrl>;

// Not thread-safe by itself, so once, before the first handle.
void StartCurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  SEAL_CHECK(started == CURLE_OK);
}

int64_t MonotonicMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// At least 1: libcurl takes 0 for "no limit".
long Millis(int64_t nanos) {
  return static_cast<long>(std::max<int64_t>(1, nanos / kNanosPerMilli));
}

// What one exchange fills.
struct Answer {
  const FetchOptions& options;
  FetchResponse response;
  size_t header_bytes = 0;
  bool too_long = false;
};

size_t OnBody(char* data, size_t, size_t size, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  answer.too_long |= size > answer.options.answer_bytes_max - answer.response.body.size();
  if (answer.too_long) return 0;  // which ends the transfer
  answer.response.body.append(data, size);
  return size;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Called for each line of each header: also those of interim answers (100) and of trailers.
size_t OnHeader(char* data, size_t, size_t size, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  answer.header_bytes += size;
  answer.too_long |= answer.header_bytes > kHeaderBytesMax;
  if (answer.too_long) return 0;
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) answer.response.headers.clear();
  const size_t colon = line.find(':');
  if (colon == line.npos) return size;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  answer.response.headers.emplace_back(std::move(name), Trimmed(line.substr(colon + 1)));
  return size;
}

int OnProgress(void* from, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancelled = static_cast<const Answer*>(from)->options.cancelled;
  return cancelled != nullptr && cancelled->load() ? 1 : 0;
}

Result<ListPtr> HeaderList(const FetchRequest& request) {
  ListPtr list;
  const auto add = [&list](const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
    SEAL_CHECK(list != nullptr);
  };
  add("Expect:");  // no waiting for a "100 Continue" that many servers never send
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || name.find_first_of(": \t\r\n") != name.npos ||
        value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos) {
      return InvalidArgument("the header \"{}\" is none", name);
    }
    // libcurl takes "name:" for "do not send it", and "name;" for an empty value.
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  return list;
}

Status ToStatus(CURLcode code, const Answer& answer, const std::string& url, const char* details) {
  const std::string_view text = *details != '\0' ? details : curl_easy_strerror(code);
  if (answer.too_long) {
    return ResourceExhausted("{}: an answer longer than {} bytes, or a header longer than {}", url,
                             answer.options.answer_bytes_max, kHeaderBytesMax);
  }
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Cancelled("{}: cancelled", url);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument("{}: {}", url, text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return FailedPrecondition("{}: {}", url, text);
    default:
      return Unavailable("{}: {}", url, text);
  }
}

void SetOptions(CURL* handle, const FetchRequest& request, const FetchOptions& options,
                Answer& answer) {
  const auto set = [handle](CURLoption option, auto value) {
    SEAL_CHECK(curl_easy_setopt(handle, option, value) == CURLE_OK);
  };
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, options.proxy.c_str());  // empty: none, whatever the environment says
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_USERAGENT, "sealtrail");
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) {
    set(CURLOPT_CAINFO, options.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (request.method != "GET") {
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&answer));
}

struct Exchanged {
  FetchResponse response;
  std::optional<std::string> redirect;  // absolute
};

// One request to `url`, nothing followed.
Result<Exchanged> Exchange(const FetchRequest& request, const std::string& url,
                           const FetchOptions& options, int64_t deadline_ms) {
  const int64_t left_ms = deadline_ms - MonotonicMillis();
  if (left_ms <= 0) return Unavailable("{}: the time ran out", url);
  const HandlePtr handle(curl_easy_init());
  SEAL_CHECK(handle != nullptr);
  SEAL_ASSIGN_OR_RETURN(const ListPtr headers, HeaderList(request));
  Answer answer{.options = options, .response = {}};
  char details[CURL_ERROR_SIZE] = {};
  SetOptions(handle.get(), request, options, answer);
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, details);
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(left_ms));
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, Millis(options.connect_timeout_ns));

  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) return ToStatus(code, answer, url, details);
  long status = 0;
  char* redirect = nullptr;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle.get(), CURLINFO_REDIRECT_URL, &redirect);
  answer.response.status = static_cast<int>(status);
  Exchanged exchanged{.response = std::move(answer.response), .redirect = {}};
  if (redirect != nullptr) exchanged.redirect = redirect;
  return exchanged;
}

// Scheme, host and port of `url`; empty where it is none, or has credentials in it.
std::string Place(const std::string& url) {
  const UrlPtr parsed(curl_url());
  SEAL_CHECK(parsed != nullptr);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
    return {};
  std::string place;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    place += fmt::format("{} ", text);
    curl_free(text);
  }
  std::ranges::transform(place, place.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return place;
}

// True where the same request may be sent again to the place that the answer names.
bool MayFollow(const FetchRequest& request, const Exchanged& exchanged) {
  if (!exchanged.redirect || Place(*exchanged.redirect) != Place(request.url)) return false;
  const int status = exchanged.response.status;
  return request.method == "GET" || status == 307 || status == 308;
}

}  // namespace

std::string_view FetchResponse::Header(std::string_view name) const {
  for (const auto& [other, value] : headers) {
    if (other == name) return value;
  }
  return {};
}

Result<FetchResponse> Fetch(const FetchRequest& request, const FetchOptions& options) {
  StartCurl();
  // Not repeated in the message: there may be a password in it.
  if (Place(request.url).empty()) return InvalidArgument("not a URL of a server, or with a user");
  const int64_t deadline_ms = MonotonicMillis() + Millis(options.total_timeout_ns);
  std::string url = request.url;
  for (int step = 0;; ++step) {
    SEAL_ASSIGN_OR_RETURN(Exchanged exchanged, Exchange(request, url, options, deadline_ms));
    if (step == kRedirectsMax || !MayFollow(request, exchanged)) {
      return std::move(exchanged.response);
    }
    url = std::move(*exchanged.redirect);
  }
}

}  // namespace sealtrail::net
