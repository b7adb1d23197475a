#include "kube/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "base/version.h"
#include "kube/late_libcurl.h"
#include "kube/retry.h"
#include "kube/url.h"

namespace dbm::kube {
namespace {

constexpr long kConnections = 8;  // HTTP/1.1 only: HTTP/2 needs one
constexpr long kStreams = 100;    // of one connection; kube-apiserver's own limit
constexpr long kConnectMillis = 10'000;

/// Headers of a request; freed at the end of the scope.
class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() { clear(); }
  void add(const std::string& line) { list_ = curl().slist_append(list_, line.c_str()); }
  void clear() {
    if (list_ != nullptr) curl().slist_free_all(list_);
    list_ = nullptr;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

/// One request on its way. The handle is used again for others.
struct Transfer {
  CURL* handle = curl().easy_init();
  Request request;
  Headers headers, connect_to;
  Reply reply;
  Http::Piece piece;
  Http::Done done;
  char error[CURL_ERROR_SIZE] = {};
  bool has_all_headers = false;  // the empty line after them came
  CURLcode refused = CURLE_OK;  // by libcurl, before anything was sent

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (handle != nullptr) curl().easy_cleanup(handle);
    secrets::wipe(request.body);
  }
  /// What the request must not go without: an option that is not taken is kept in `refused`.
  void set(CURLoption option, auto value) { note(curl().easy_setopt(handle, option, value)); }
  void set(CURLoption option, const std::string& text) { set(option, text.c_str()); }
  /// What another libcurl may do without.
  void prefer(CURLoption option, auto value) { curl().easy_setopt(handle, option, value); }
  /// libcurl copies it.
  void set(CURLoption option, const secrets::Secret& text) {
    std::string with_end(text.reveal());
    set(option, with_end.c_str());
    secrets::wipe(with_end);
  }
  /// PEM from memory: no key is written to a file.
  void set_blob(CURLoption option, std::string_view pem) {
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
    set(option, &blob);
  }

 private:
  void note(CURLcode code) {
    if (refused == CURLE_OK) refused = code;
  }
};

size_t take_body(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(data, size * count);
  long status = 0;
  curl().easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.piece && status == 200) return transfer.piece(piece) ? piece.size() : 0;
  transfer.reply.body += piece;
  return piece.size();
}

size_t take_header(char* data, size_t size, size_t count, void* user) {
  constexpr std::string_view kRetryAfter = "retry-after:", kLength = "content-length:";
  auto& transfer = *static_cast<Transfer*>(user);
  auto& reply = transfer.reply;
  const std::string line = to_lower({data, size * count});
  const std::string_view text = line;
  // A proxy's answer to CONNECT and interim answers come here too: the last one counts.
  transfer.has_all_headers = text == "\r\n" || text == "\n";
  if (text.starts_with(kRetryAfter)) {
    if (const auto seconds = read_retry_after(text.substr(kRetryAfter.size()))) reply.retry_after = seconds;
  } else if (text.starts_with(kLength)) {
    const size_t from = text.find_first_not_of(' ', kLength.size());
    size_t length = 0;
    if (from != text.npos && std::from_chars(text.data() + from, text.data() + text.size(), length).ec == std::errc())
      reply.body.reserve(std::min<size_t>(length, 64u << 20));
  }
  return size * count;
}

Broken broken_by(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return Broken::kNot;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SSL_CONNECT_ERROR:
      return Broken::kUnreached;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
      return Broken::kLost;
    default:
      return Broken::kRefused;
  }
}

std::string hint_for_proxy(long status) {
  constexpr std::string_view kWhere = "it is the kubeconfig's proxy-url, or HTTPS_PROXY (NO_PROXY leaves hosts out)";
  if (status == 407) return fmt::format("the proxy wants another user or password; {}", kWhere);
  return fmt::format("the proxy does not carry it through; {}", kWhere);
}

std::string hint_for(CURLcode code, const Config& config) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("the kubeconfig's certificate-authority must be the one of {}; it is always verified", config.server);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return fmt::format("is the server of context {} up? another: --context, --kubeconfig", config.context);
    case CURLE_SSL_CONNECT_ERROR:  // OpenSSL's answer to another authority of the same name is "EVP lib"
      return fmt::format("there was no TLS with it; is the kubeconfig's certificate-authority the one of {}?", config.server);
    case CURLE_SSL_CERTPROBLEM:
      return "the client-certificate and client-key of the kubeconfig do not fit together";
    default:
      return {};
  }
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kPost: return "POST";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kDelete: return "DELETE";
  }
  return "GET";
}

struct Http::Impl {
  explicit Impl(const Config& c) : config(c), credentials(c), multi(curl().multi_init()) {
    curl().multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl().multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, kConnections);
    curl().multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, kStreams);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    abandon();
    idle.clear();  // handles before the multi handle that holds their connections
    curl().multi_cleanup(multi);
  }
  void abandon() {
    for (const auto& transfer : active) curl().multi_remove_handle(multi, transfer->handle);
    active.clear();
    failed.clear();
  }

  std::unique_ptr<Transfer> take() {
    if (idle.empty()) return std::make_unique<Transfer>();
    auto transfer = std::move(idle.back());
    idle.pop_back();
    return transfer;
  }
  void begin(Request request, Piece piece, Done done);
  void identify(Transfer& transfer, const Identity& who) const;
  void address(Transfer& transfer) const;
  void finish(CURL* handle, CURLcode code);
  void done_with(std::unique_ptr<Transfer> transfer);

  const Config& config;
  Credentials credentials;
  CURLM* multi;
  std::vector<std::unique_ptr<Transfer>> active, idle;
  std::vector<std::unique_ptr<Transfer>> failed;  // before they were sent
};

/// The server, the way there and how its certificate is verified.
void Http::Impl::address(Transfer& t) const {
  const Way way = way_to(config.server, config.tls_server_name, t.request.path);
  if (!way.connect_to.empty()) {
    t.connect_to.add(way.connect_to);
    t.set(CURLOPT_CONNECT_TO, t.connect_to.get());
  }
  t.set(CURLOPT_URL, way.url);
  t.prefer(CURLOPT_PROTOCOLS_STR, "https,http");  // libcurl 7.85; the URL's own was looked at
  t.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  t.prefer(CURLOPT_PIPEWAIT, 1L);
  t.set(CURLOPT_NOSIGNAL, 1L);
  t.prefer(CURLOPT_TCP_KEEPALIVE, 1L);
  t.set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMillis);
  t.prefer(CURLOPT_BUFFERSIZE, 512L * 1024);
  t.set(CURLOPT_USERAGENT, fmt::format("cnpg-dbm/{}", kVersion));
  t.set(CURLOPT_FRESH_CONNECT, t.request.fresh_connection ? 1L : 0L);
  if (t.request.silence.count() > 0) {
    t.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    t.set(CURLOPT_LOW_SPEED_TIME, std::max<long>(1, static_cast<long>(t.request.silence.count() / 1000)));
  }
  if (!config.proxy_url.empty()) t.set(CURLOPT_PROXY, config.proxy_url);
  t.set(CURLOPT_SSL_VERIFYPEER, 1L);
  t.set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!config.ca_pem.empty()) t.set_blob(CURLOPT_CAINFO_BLOB, config.ca_pem);
  // Compressing takes the server longer than this machine's own loopback does.
  if (config.compression && !is_this_machine(config.server)) t.prefer(CURLOPT_ACCEPT_ENCODING, "gzip");
}

void Http::Impl::identify(Transfer& t, const Identity& who) const {
  if (!who.client_certificate.empty()) {
    t.set(CURLOPT_SSLCERTTYPE, "PEM");
    t.set(CURLOPT_SSLKEYTYPE, "PEM");
    t.set_blob(CURLOPT_SSLCERT_BLOB, who.client_certificate);
    t.set_blob(CURLOPT_SSLKEY_BLOB, who.client_key.reveal());
  }
  if (!who.bearer_token.empty()) {
    t.set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    t.set(CURLOPT_XOAUTH2_BEARER, who.bearer_token);
  } else if (!who.user.empty()) {
    t.set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    t.set(CURLOPT_USERNAME, who.user);
    t.set(CURLOPT_PASSWORD, who.password);
  }
  if (!config.as_user.empty()) t.headers.add("Impersonate-User: " + config.as_user);
  for (const std::string& group : config.as_groups) t.headers.add("Impersonate-Group: " + group);
}

void Http::Impl::begin(Request request, Piece piece, Done done) {
  auto transfer = take();
  Transfer& t = *transfer;
  t.request = std::move(request);
  t.piece = std::move(piece);
  t.done = std::move(done);
  const auto who = credentials.current();
  if (!who) {
    t.reply.broken = Broken::kRefused;
    t.reply.failure = who.error();
    failed.push_back(std::move(transfer));
    return;
  }
  address(t);
  t.headers.add(fmt::format("Accept: {}", t.request.accept));
  if (!t.request.body.empty()) t.headers.add(fmt::format("Content-Type: {}", t.request.content_type));
  t.headers.add("Expect:");
  identify(t, **who);
  t.reply.identity = credentials.generation();
  t.set(CURLOPT_HTTPHEADER, t.headers.get());
  if (t.request.method != Method::kGet) {
    t.set(CURLOPT_CUSTOMREQUEST, std::string(to_string(t.request.method)));
    if (!t.request.body.empty() || t.request.method != Method::kDelete) {
      t.set(CURLOPT_POSTFIELDS, t.request.body.data());
      t.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.request.body.size()));
    }
  }
  t.set(CURLOPT_WRITEFUNCTION, &take_body);
  t.set(CURLOPT_WRITEDATA, transfer.get());
  t.set(CURLOPT_HEADERFUNCTION, &take_header);
  t.set(CURLOPT_HEADERDATA, transfer.get());
  t.set(CURLOPT_ERRORBUFFER, t.error);
  if (t.refused != CURLE_OK) {
    t.reply.broken = Broken::kRefused;
    t.reply.failure = {fmt::format("libcurl does not take what the kubeconfig says of {}: {}", config.server,
                                   curl().easy_strerror(t.refused)),
                       "nothing was sent; certificates need libcurl 7.77 or newer"};
    failed.push_back(std::move(transfer));
    return;
  }
  curl().multi_add_handle(multi, t.handle);
  active.push_back(std::move(transfer));
}

/// Calls `done` and makes the handle ready for the next request.
void Http::Impl::done_with(std::unique_ptr<Transfer> transfer) {
  const Done done = std::move(transfer->done);
  Reply reply = std::move(transfer->reply);
  secrets::wipe(transfer->request.body);
  transfer->headers.clear();
  transfer->connect_to.clear();
  curl().easy_reset(transfer->handle);
  transfer->reply = {};
  transfer->error[0] = '\0';
  transfer->has_all_headers = false;
  transfer->refused = CURLE_OK;
  transfer->piece = nullptr;
  idle.push_back(std::move(transfer));
  done(std::move(reply));
}

void Http::Impl::finish(CURL* handle, CURLcode code) {
  curl().multi_remove_handle(multi, handle);
  const auto found = std::ranges::find(active, handle, [](const auto& t) { return t->handle; });
  if (found == active.end()) return;
  auto transfer = std::move(*found);
  *found = std::move(active.back());
  active.pop_back();
  long status = 0;
  curl().easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && !transfer->has_all_headers) code = CURLE_PARTIAL_FILE;  // libcurl takes them for an answer
  Reply& reply = transfer->reply;
  reply.status = static_cast<int>(status);
  reply.broken = broken_by(code);
  if (code == CURLE_WRITE_ERROR && transfer->piece) reply.broken = Broken::kNot;  // who reads it had enough
  if (reply.broken != Broken::kNot) {
    long connect = 0;  // what a proxy answered to CONNECT
    curl().easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &connect);
    const bool by_proxy = connect >= 300;
    if (by_proxy) reply.broken = connect >= 500 ? Broken::kUnreached : Broken::kRefused;
    const std::string_view why = transfer->error[0] != '\0' ? transfer->error : curl().easy_strerror(code);
    reply.failure = {fmt::format("cannot ask {}: {}", config.server, printable(why, 300)),
                     by_proxy ? hint_for_proxy(connect) : hint_for(code, config)};
  }
  done_with(std::move(transfer));
}

Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Http::~Http() = default;

Result<std::unique_ptr<Http>> Http::open(const Config& config) {
  if (load_libcurl() == nullptr)
    return Error{"libcurl.so.4 with HTTP/2 is not on this machine", "Debian: apt-get install libcurl4"};
  return std::unique_ptr<Http>(new Http(std::make_unique<Impl>(config)));
}

void Http::start(Request request, Done done) { impl_->begin(std::move(request), nullptr, std::move(done)); }
void Http::stream(Request request, Piece piece, Done done) {
  impl_->begin(std::move(request), std::move(piece), std::move(done));
}
size_t Http::in_flight() const { return impl_->active.size() + impl_->failed.size(); }
void Http::abandon() { impl_->abandon(); }
bool Http::credentials_refused(unsigned identity) {
  return identity != impl_->credentials.generation() || impl_->credentials.refused();
}

void Http::turn(std::chrono::milliseconds wait) {
  while (!impl_->failed.empty()) {
    auto transfer = std::move(impl_->failed.back());
    impl_->failed.pop_back();
    impl_->done_with(std::move(transfer));
    wait = std::chrono::milliseconds(0);
  }
  int running = 0, left = 0;
  curl().multi_perform(impl_->multi, &running);
  bool any = false;
  while (const CURLMsg* message = curl().multi_info_read(impl_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    any = true;
    impl_->finish(message->easy_handle, message->data.result);
  }
  if (!any && wait.count() > 0)
    curl().multi_poll(impl_->multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
}

}  // namespace dbm::kube
