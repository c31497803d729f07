#include "net/testing/grpc_client.h"

#include <chrono>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

namespace sealtrail::net::testing {

namespace {

std::shared_ptr<grpc::ChannelCredentials> Credentials(const GrpcClientOptions& options) {
  if (options.authority_pem.empty()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({.pem_root_certs = options.authority_pem,
                               .pem_private_key = options.certificate.key_pem,
                               .pem_cert_chain = options.certificate.certificate_pem});
}

}  // namespace

struct GrpcClient::Impl {
  GrpcClientOptions options;
  std::shared_ptr<grpc::Channel> channel;
};

GrpcClient::GrpcClient(const std::string& address, GrpcClientOptions options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                   1);  // each client has a connection of its own
  if (options.deflate) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_DEFLATE);
  if (options.gzip) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
  if (options.ping_ms > 0) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, options.ping_ms);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // as many as it likes
  }
  if (!options.user_agent.empty()) arguments.SetUserAgentPrefix(options.user_agent);
  auto channel = grpc::CreateCustomChannel(address, Credentials(options), arguments);
  impl_ = std::make_unique<Impl>(Impl{std::move(options), std::move(channel)});
}

GrpcClient::~GrpcClient() = default;

GrpcReply GrpcClient::Call(const std::string& method, std::string_view message,
                           const std::vector<std::pair<std::string, std::string>>& metadata) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  const grpc::Slice slice(message.data(), message.size());
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  const grpc::internal::RpcMethod rpc(method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
      impl_->channel.get(), rpc, &context, request, &response);
  GrpcReply out;
  out.code = status.error_code();
  out.error = status.error_message();
  out.details = status.error_details();
  grpc::Slice whole;
  if (status.ok() && response.DumpToSingleSlice(&whole).ok()) {
    out.message.assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    out.trailers.emplace(std::string(key.data(), key.size()),
                         std::string(value.data(), value.size()));
  }
  return out;
}

}  // namespace sealtrail::net::testing
