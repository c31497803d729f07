// One connection is one state machine on one strand, and serves its requests one after the other:
//
//     (Handshake) ─▶
//     AwaitRequest ─▶ ReadHeader ─▶ (Continue) ─▶ ReadBody ─▶ handler ─▶ Write ─▶ AwaitRequest |
//     Close
//                         └───────────── Refuse ───────────────────────▶ Write ─▶ Linger ─▶ Close
//
// Pipelined requests wait in buffer_ (or in the kernel) until the answer before them is written.
#include "net/http_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/mutex.h"
#include "net/grow_buffer.h"
#include "net/listen.h"
#include "net/tls_certificates.h"

namespace sealtrail::net {

class HttpConnection;

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using ErrorCode = boost::system::error_code;

namespace {

constexpr size_t kBodyProgressBytes = 16 * kKiB;  // what a body must bring within body_idle_ns
constexpr size_t kChunkedFirstBytes = 16 * kKiB;
constexpr size_t kWritePieceBytes = kMiB;
constexpr size_t kReadBufferBytes = kHttpHeaderBytesMax + 64 * kKiB;
constexpr int64_t kAcceptRetryNs = 100 * kNanosPerMilli;
constexpr size_t kRefusedConnectionsMax = 64;  // that are being told so; more are just closed
constexpr int kRetryAfterSeconds = 1;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Path and query of a request target in origin form, or in absolute form (RFC 9112 §3.2.2).
void SplitTarget(std::string_view target, HttpRequest& request) {
  if (const size_t scheme = target.find("://"); !target.starts_with('/') && scheme != target.npos) {
    const size_t path = target.find_first_of("/?", scheme + 3);
    target = path == target.npos ? std::string_view("/") : target.substr(path);
  }
  const size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != target.npos) request.query = std::string(target.substr(mark + 1));
}

struct Refusal {
  int status;
  std::string message;
};

// What a parse error is to the client.
Refusal RefusalFor(ErrorCode error, size_t body_bytes_max) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return {431, fmt::format("the header is larger than {} bytes", kHttpHeaderBytesMax)};
  }
  if (error == http::error::body_limit) {
    return {413, fmt::format("the body is larger than {} bytes", body_bytes_max)};
  }
  if (error == http::error::bad_version) return {505, "HTTP/1.1 is spoken here"};
  return {400, fmt::format("not a request of HTTP/1.1: {}", error.message())};
}

}  // namespace

HttpResponse PlainHttpError(const HttpRequest&, int status, const std::string& message) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .headers = {},
          .body = SharedBytes::FromText(message + "\n"),
          .source = nullptr};
}

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, env::Env env, ByteBudget& budget, HttpHandler handler)
      : options(std::move(options)),
        env(env),
        budget(budget),
        handler(std::move(handler)),
        io_(std::make_shared<asio::io_context>(this->options.threads)),
        work_(asio::make_work_guard(*io_)) {}

  Status Listen();
  void Run();
  void Stop(int64_t drain_ns);

  // Called by a connection when its socket is gone; the last thing it does.
  void Forget(HttpConnection* connection);

  bool stopping() const { return stopping_.load(); }
  const std::string& address() const { return address_; }

  const HttpServerOptions options;
  const env::Env env;
  ByteBudget& budget;
  const HttpHandler handler;

 private:
  // A listening socket, and whether its connections speak TLS.
  struct Listener {
    Acceptor acceptor;
    bool tls;
  };

  void Adopt(int fd);
  void Accept(Listener& listener);
  void Admit(Socket socket, bool tls);
  void ForEach(void (HttpConnection::*act)());

  const std::shared_ptr<asio::io_context> io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<env::Worker>> workers_;
  std::string address_;
  std::atomic<bool> stopping_{false};

  Mutex mutex_;
  CondVar gone_;
  std::unordered_map<HttpConnection*, std::weak_ptr<HttpConnection>> connections_
      SEAL_GUARDED_BY(mutex_);
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `tls`: null, or what the connection speaks TLS with.
  HttpConnection(HttpServer::Impl& server, std::shared_ptr<asio::io_context> io, Socket socket,
                 std::shared_ptr<const TlsState> tls)
      : server_(server),
        io_(std::move(io)),
        stream_(std::in_place, std::move(socket)),
        tls_state_(std::move(tls)),
        executor_(stream_->get_executor()),
        peer_(PeerAddress(stream_->socket().native_handle())),
        peer_uid_(PeerUser(stream_->socket().native_handle())),
        buffer_(kReadBufferBytes),
        body_(server.budget) {
    if (tls_state_ != nullptr) tls_.emplace(*stream_, *tls_state_->context);
  }

  // May run on whatever thread drops the last reference. The server may end right after Forget(), so nothing
  // after it may touch the server; what belongs to Asio goes with io_, which is ours too.
  ~HttpConnection() {
    tls_.reset();
    stream_.reset();
    server_.Forget(this);
  }

  void Start() {
    Post([](HttpConnection& self) {
      self.ExpireAfter(self.timeouts().header_ns);
      self.Handshake([](HttpConnection& greeted) { greeted.AwaitRequest(std::nullopt); });
    });
  }

  // There are too many connections already: says so and closes.
  void StartRefused() {
    Post([](HttpConnection& self) {
      self.ExpireAfter(self.timeouts().header_ns);
      self.Handshake([](HttpConnection& greeted) {
        greeted.Refuse({503, "too many connections, try again"});
      });
    });
  }

  // For an orderly end: closes if no request has begun.
  void CloseIfIdle() {
    Post([](HttpConnection& self) {
      if (self.idle_) self.Close();
    });
  }

  void Abort() {
    Post([](HttpConnection& self) { self.Close(); });
  }

  void Answer(HttpResponse response) {
    asio::post(executor_, [self = shared_from_this(), response = std::move(response)]() mutable {
      self->Write(std::move(response));
    });
  }

  HttpResponse NoAnswer() const {
    return MakeRefusal({503, "the request was given up; nothing was acknowledged"});
  }

 private:
  using Parser = http::request_parser<http::buffer_body>;

  const HttpTimeouts& timeouts() const { return server_.options.timeouts; }

  template <typename Act>
  void Post(Act act) {
    asio::post(executor_, [self = shared_from_this(), act] { act(*self); });
  }

  // A completion handler that keeps the connection alive and runs `act` on its strand.
  template <typename Act>
  auto Then(Act act) {
    return [self = shared_from_this(), act](ErrorCode error, size_t bytes) {
      act(*self, error, bytes);
    };
  }

  void ExpireAfter(int64_t nanos) { stream_->expires_after(std::chrono::nanoseconds(nanos)); }

  // The stream that HTTP is spoken on: `op` is called with it.
  template <typename Op>
  void OnStream(Op op) {
    if (tls_.has_value()) {
      op(*tls_);
    } else {
      op(*stream_);
    }
  }

  // Calls `next` at once where there is no TLS. The deadline is the caller's.
  template <typename Next>
  void Handshake(Next next) {
    if (!tls_.has_value()) return next(*this);
    idle_ = true;
    tls_->async_handshake(asio::ssl::stream_base::server,
                          [self = shared_from_this(), next](ErrorCode error) {
                            self->idle_ = false;
                            if (error) return self->Close();
                            self->tls_subject_ = VerifiedSubject(self->tls_->native_handle());
                            next(*self);
                          });
  }

  // --- reading ---

  // Nothing for `patience_ns`: the deadline stays as it is.
  void AwaitRequest(std::optional<int64_t> patience_ns) {
    request_ = HttpRequest{.method = {},
                           .path = {},
                           .query = {},
                           .headers = {},
                           .body = {},
                           .peer = peer_,
                           .peer_uid = peer_uid_,
                           .tls_subject = tls_subject_};
    filled_ = 0;
    marked_ = 0;
    if (buffer_.size() > 0) return ReadHeader();
    if (server_.stopping()) return Close();
    idle_ = true;
    if (patience_ns.has_value()) ExpireAfter(*patience_ns);
    OnStream([this](auto& stream) {
      stream.async_read_some(buffer_.prepare(4 * kKiB),
                             Then([](HttpConnection& self, ErrorCode error, size_t bytes) {
                               self.idle_ = false;
                               if (error) return self.Close();
                               self.buffer_.commit(bytes);
                               self.ReadHeader();
                             }));
    });
  }

  void ReadHeader() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(kHttpHeaderBytesMax));
    parser_->body_limit(server_.options.body_bytes_max);
    ExpireAfter(timeouts().header_ns);
    OnStream([this](auto& stream) {
      http::async_read_header(
          stream, buffer_, *parser_,
          Then([](HttpConnection& self, ErrorCode error, size_t) { self.OnHeader(error); }));
    });
  }

  void OnHeader(ErrorCode error) {
    TakeHead();
    if (error) return OnReadError(error);
    if (std::optional<Refusal> refusal = CheckHead()) return Refuse(std::move(*refusal));
    if (const auto length = parser_->content_length()) {
      if (!body_.Grow(*length)) return Refuse(NoRoom());
    }
    const bool awaits_continue =
        EqualsIgnoringCase(request_.Header("expect"), "100-continue") && !parser_->is_done();
    return awaits_continue ? Continue() : StartBody();
  }

  // What has been understood so far, also of a header that ended in an error.
  void TakeHead() {
    const auto& head = parser_->get();
    request_.method = std::string(head.method_string());
    SplitTarget(head.target(), request_);
    for (const auto& field : head) {
      request_.headers.emplace_back(LowerCase(field.name_string()), std::string(field.value()));
    }
    keep_alive_ = parser_->is_header_done() && head.version() >= 11 && head.keep_alive();
    http_1_0_ = head.version() < 11;
    head_only_ = head.method() == http::verb::head;
  }

  std::optional<Refusal> CheckHead() const {
    if (!http_1_0_ && request_.FindHeader("host") == nullptr) {
      return Refusal{400, "a request of HTTP/1.1 without Host"};
    }
    const std::string* coding = request_.FindHeader("transfer-encoding");
    if (coding != nullptr && !EqualsIgnoringCase(*coding, "chunked")) {
      return Refusal{501, "Transfer-Encoding: only chunked is read"};
    }
    const std::string* expect = request_.FindHeader("expect");
    if (expect != nullptr && !EqualsIgnoringCase(*expect, "100-continue")) {
      return Refusal{417, "Expect: only 100-continue is met"};
    }
    return std::nullopt;
  }

  static Refusal NoRoom() { return {503, "too many bytes of requests are in memory, try again"}; }

  void Continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    ExpireAfter(timeouts().write_ns);
    OnStream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(kContinue.data(), kContinue.size()),
                        Then([](HttpConnection& self, ErrorCode error, size_t) {
                          return error ? self.Close() : self.StartBody();
                        }));
    });
  }

  void StartBody() {
    ExpireAfter(timeouts().body_idle_ns);
    ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    if (filled_ == body_.capacity()) {
      const size_t more = std::min(server_.options.body_bytes_max,
                                   std::max(kChunkedFirstBytes, 2 * body_.capacity()));
      if (!body_.Grow(more)) return Refuse(NoRoom());
    }
    auto& target = parser_->get().body();
    target.data = body_.space().data() + filled_;
    target.size = body_.capacity() - filled_;
    OnStream([this](auto& stream) {
      http::async_read_some(
          stream, buffer_, *parser_,
          Then([](HttpConnection& self, ErrorCode error, size_t) { self.OnBody(error); }));
    });
  }

  void OnBody(ErrorCode error) {
    if (error && error != http::error::need_buffer) return OnReadError(error);
    filled_ = body_.capacity() - parser_->get().body().size;
    if (filled_ - marked_ >= kBodyProgressBytes) {
      marked_ = filled_;
      ExpireAfter(timeouts().body_idle_ns);
    }
    ReadBody();
  }

  void OnReadError(ErrorCode error) {
    const bool is_http = error.category() == make_error_code(http::error::bad_target).category();
    if (!is_http || error == http::error::end_of_stream || error == http::error::partial_message) {
      return Close();
    }
    Refuse(RefusalFor(error, server_.options.body_bytes_max));
  }

  // The body went through here piece by piece.
  void WipeBuffer() {
    const auto room = buffer_.prepare(buffer_.capacity() - buffer_.size());
    Wipe(room.data(), room.size());
  }

  void Dispatch() {
    stream_->expires_never();
    WipeBuffer();
    request_.body = std::exchange(body_, GrowBuffer(server_.budget)).Finish(filled_);
    server_.handler(std::move(request_), MakeResponder());
  }

  HttpResponder MakeResponder();

  // --- writing ---

  HttpResponse MakeRefusal(const Refusal& refusal) const {
    HttpResponse response = server_.options.error_answer(request_, refusal.status, refusal.message);
    const bool says_when = std::ranges::any_of(
        response.headers, [](const auto& field) { return field.first == "Retry-After"; });
    if (refusal.status == 503 && !says_when) {
      response.headers.emplace_back("Retry-After", std::to_string(kRetryAfterSeconds));
    }
    return response;
  }

  // Answers without having read the request to its end; what follows on this connection cannot be
  // understood.
  void Refuse(Refusal refusal) {
    keep_alive_ = false;
    linger_ = true;
    body_ = GrowBuffer(server_.budget);
    Write(MakeRefusal(refusal));
  }

  void Write(HttpResponse response) {
    if (!stream_->socket().is_open()) return;
    keep_alive_ = keep_alive_ && !server_.stopping();
    const bool bodiless = response.status == 204 || response.status == 304;
    HttpFraming framing = bodiless ? HttpFraming::kNone : HttpFraming::kLength;
    if (response.source != nullptr && !bodiless) {
      framing = http_1_0_ ? HttpFraming::kNone : HttpFraming::kChunked;
      keep_alive_ = keep_alive_ && !http_1_0_;
    }
    const int64_t now = Value(server_.env.clock.Now()) / kNanosPerSecond;
    head_ = FormatHttpHead(response, framing, keep_alive_, HttpDate(now));
    const bool has_body = !bodiless && !head_only_;
    sent_body_ = has_body && response.source == nullptr ? response.body : SharedBytes();
    source_ = has_body ? std::move(response.source) : nullptr;
    sent_ = 0;
    WritePiece(AsBytes(head_));
  }

  // Sends `front` and as much of the body as goes into one deadline.
  void WritePiece(ByteView front) {
    const ByteView rest = sent_body_.view().subspan(sent_);
    const ByteView piece = rest.first(std::min(rest.size(), kWritePieceBytes));
    sent_ += piece.size();
    ExpireAfter(timeouts().write_ns);
    const std::array buffers{asio::buffer(front.data(), front.size()),
                             asio::buffer(piece.data(), piece.size())};
    OnStream([&](auto& stream) {
      asio::async_write(stream, buffers, Then([](HttpConnection& self, ErrorCode error, size_t) {
                          self.OnPieceWritten(error);
                        }));
    });
  }

  void OnPieceWritten(ErrorCode error) {
    if (error) return Close();
    if (sent_ < sent_body_.size()) return WritePiece({});
    if (source_ != nullptr) return PullSource();
    OnAnswered();
  }

  void PullSource() {
    stream_->expires_never();
    source_->Next([self = shared_from_this()](Result<Bytes> piece) {
      asio::post(self->executor_, [self, piece = std::move(piece)]() mutable {
        self->OnSourcePiece(std::move(piece));
      });
    });
  }

  void OnSourcePiece(Result<Bytes> piece) {
    if (!piece.ok() || !stream_->socket().is_open()) {
      source_.reset();
      return Close();
    }
    const bool last = piece->empty();
    if (last) source_.reset();
    head_.clear();
    if (!http_1_0_) {
      // The line break after a chunk's bytes goes out before the next one's size (RFC 9112 §7.1).
      const char* before = chunk_open_ ? "\r\n" : "";
      head_ = last ? fmt::format("{}0\r\n\r\n", before)
                   : fmt::format("{}{:x}\r\n", before, piece->size());
    }
    chunk_open_ = !last;
    sent_body_ = SharedBytes(std::move(*piece));
    sent_ = 0;
    WritePiece(AsBytes(head_));
  }

  void OnAnswered() {
    sent_body_ = SharedBytes();
    if (keep_alive_) return AwaitRequest(timeouts().keep_alive_ns);
    if (!linger_) return Finish();
    Linger();
  }

  // Closes after an answer. A TLS client that waits for the end of the connection must see that nobody cut it.
  void Finish() {
    if (!tls_.has_value()) return Close();
    idle_ = true;
    ExpireAfter(timeouts().linger_ns);
    tls_->async_shutdown([self = shared_from_this()](ErrorCode) { self->Close(); });
  }

  // Closing with bytes unread makes the kernel reset the connection, and the answer may be lost on
  // its way. So the refused client is heard out for a while, below TLS, for nobody reads what it says.
  void Linger() {
    ErrorCode ignored;
    stream_->socket().shutdown(Socket::shutdown_send, ignored);
    idle_ = true;
    ExpireAfter(timeouts().linger_ns);
    Discard();
  }

  void Discard() {
    buffer_.clear();
    stream_->async_read_some(buffer_.prepare(64 * kKiB),
                             Then([](HttpConnection& self, ErrorCode error, size_t) {
                               return error ? self.Close() : self.Discard();
                             }));
  }

  void Close() {
    ErrorCode ignored;
    stream_->socket().shutdown(Socket::shutdown_both, ignored);
    stream_->close();
  }

  HttpServer::Impl& server_;
  const std::shared_ptr<asio::io_context> io_;  // before, so outlives, all that runs on it
  using TcpStream = beast::basic_stream<Protocol>;
  std::optional<TcpStream> stream_;
  const std::shared_ptr<const TlsState> tls_state_;
  std::optional<asio::ssl::stream<TcpStream&>> tls_;  // over stream_
  std::string tls_subject_;
  const asio::any_io_executor executor_;  // a strand
  const std::string peer_;
  const std::optional<uint32_t> peer_uid_;

  // Reading.
  beast::basic_flat_buffer<WipingAllocator<char>> buffer_;
  std::optional<Parser> parser_;
  HttpRequest request_;
  GrowBuffer body_;
  size_t filled_ = 0;  // of body_
  size_t marked_ = 0;  // filled_ when the deadline was last moved
  bool idle_ = false;  // nobody loses anything if it is closed now

  // Writing.
  std::string head_;
  SharedBytes sent_body_;
  size_t sent_ = 0;  // of sent_body_
  std::unique_ptr<HttpBodySource> source_;
  bool chunk_open_ = false;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool head_only_ = false;
  bool linger_ = false;
};

// --- responder ---

struct HttpResponder::State {
  std::shared_ptr<HttpConnection> connection;
  std::atomic<bool> answered{false};

  explicit State(std::shared_ptr<HttpConnection> c) : connection(std::move(c)) {}
  State(const State&) = delete;
  ~State() {
    if (!answered.load()) connection->Answer(connection->NoAnswer());
  }
};

HttpResponder::HttpResponder(std::shared_ptr<State> state) : state_(std::move(state)) {}

void HttpResponder::Send(HttpResponse response) const {
  SEAL_CHECK(!state_->answered.exchange(true));
  const std::shared_ptr<HttpConnection> connection = std::move(state_->connection);
  connection->Answer(std::move(response));
}

HttpResponder HttpConnection::MakeResponder() {
  return HttpResponder(std::make_shared<HttpResponder::State>(shared_from_this()));
}

// --- server ---

Status HttpServer::Impl::Listen() {
  if (!options.address.empty()) {
    SEAL_ASSIGN_OR_RETURN(const int fd, ListenTcp(options.address));
    address_ = LocalAddress(fd);
    Adopt(fd);
  }
  if (!options.unix_path.empty()) {
    SEAL_ASSIGN_OR_RETURN(const int fd, ListenUnix(options.unix_path));
    Adopt(fd);
  }
  return OkStatus();
}

void HttpServer::Impl::Adopt(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  SEAL_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  listeners_.push_back(std::make_unique<Listener>(Listener{
      Acceptor(asio::make_strand(*io_)), options.tls != nullptr && address.ss_family != AF_UNIX}));
  listeners_.back()->acceptor.assign(Protocol(address.ss_family, 0), fd);
}

void HttpServer::Impl::Run() {
  for (const auto& listener : listeners_) Accept(*listener);
  for (int i = 0; i < options.threads; ++i) {
    workers_.push_back(env.executor.StartWorker(fmt::format("http-{}", i)));
    workers_.back()->Post([this] { io_->run(); });
  }
}

void HttpServer::Impl::Accept(Listener& listener) {
  listener.acceptor.async_accept(
      asio::make_strand(*io_), [this, &listener](ErrorCode error, auto socket) {
        if (stopping() || error == asio::error::operation_aborted) return;
        if (!error) {
          Admit(Socket(std::move(socket)), listener.tls);
          return Accept(listener);
        }
        // Mostly out of descriptors: the connection waits in the kernel until some are free again.
        auto timer = std::make_shared<asio::steady_timer>(listener.acceptor.get_executor(),
                                                          std::chrono::nanoseconds(kAcceptRetryNs));
        timer->async_wait([this, &listener, timer](ErrorCode) {
          if (!stopping()) Accept(listener);
        });
      });
}

void HttpServer::Impl::Admit(Socket socket, bool tls) {
  const int on = 1;  // fails on a Unix socket, which needs it not
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_shared<HttpConnection>(*this, io_, std::move(socket),
                                                     tls ? options.tls->current() : nullptr);
  size_t others = 0;
  {
    MutexLock lock(mutex_);
    others = connections_.size();
    connections_.emplace(connection.get(), connection);
  }
  if (others < options.connections_max) {
    connection->Start();
  } else if (others < options.connections_max + kRefusedConnectionsMax) {
    connection->StartRefused();
  }
}

void HttpServer::Impl::Forget(HttpConnection* connection) {
  MutexLock lock(mutex_);
  connections_.erase(connection);
  gone_.NotifyAll();
}

void HttpServer::Impl::ForEach(void (HttpConnection::*act)()) {
  std::vector<std::shared_ptr<HttpConnection>> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, weak] : connections_) {
      if (auto connection = weak.lock()) all.push_back(std::move(connection));
    }
  }
  for (const auto& connection : all) ((*connection).*act)();
}

void HttpServer::Impl::Stop(int64_t drain_ns) {
  if (stopping_.exchange(true)) return;
  for (const auto& listener : listeners_) {
    Acceptor& acceptor = listener->acceptor;
    asio::post(acceptor.get_executor(), [&acceptor] {
      ErrorCode ignored;
      acceptor.close(ignored);
    });
  }
  ForEach(&HttpConnection::CloseIfIdle);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(drain_ns);
  {
    MutexLock lock(mutex_);
    while (!connections_.empty()) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left.count() <= 0 || !gone_.WaitFor(mutex_, left)) break;
    }
  }
  ForEach(&HttpConnection::Abort);
  {
    MutexLock lock(mutex_);
    while (!connections_.empty()) gone_.Wait(mutex_);
  }
  work_.reset();
  workers_.clear();  // run() returns when nothing is left to do
  if (!options.unix_path.empty()) ::unlink(options.unix_path.c_str());
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  Stop(0);
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options, env::Env env,
                                                      ByteBudget& budget, HttpHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), env, budget, std::move(handler));
  SEAL_RETURN_IF_ERROR(impl->Listen());
  impl->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

const std::string& HttpServer::address() const {
  return impl_->address();
}

void HttpServer::Stop(int64_t drain_ns) {
  impl_->Stop(drain_ns);
}

}  // namespace sealtrail::net
