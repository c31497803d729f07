// bench_null_server: the peer of the OTLP/gRPC benchmark. Takes any unary request and answers OK with an empty
// message, without a look at it: what client and gRPC alone can do on this machine.
//
// Prints one JSON line, {"event":"ready","otlp_grpc":"H:P"}, and runs until its standard input ends.
#include <iostream>
#include <memory>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

namespace sealtrail::bench {
namespace {

class AnswerOk final : public grpc::ServerGenericBidiReactor {
 public:
  AnswerOk() { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no message"));
    static const grpc::Slice empty;
    response_ = grpc::ByteBuffer(&empty, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class NullService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new AnswerOk;
  }
};

int Main() {
  NullService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return 2;
  std::cout << R"({"event":"ready","otlp_grpc":"127.0.0.1:)" << port << "\"}" << std::endl;
  while (std::cin.get() != std::istream::traits_type::eof()) {
  }
  server->Shutdown();
  return 0;
}

}  // namespace
}  // namespace sealtrail::bench

int main() {
  return sealtrail::bench::Main();
}
