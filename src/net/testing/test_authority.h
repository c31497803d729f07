// A certificate authority of its own making, for tests of TLS.
#pragma once

#include <memory>
#include <string>

namespace sealtrail::net::testing {

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  ~TestAuthority();

  // Its own certificate: what the other side shall believe.
  const std::string& pem() const;

  // For "127.0.0.1" and "localhost", with the subject CN=`name`, O=`organization`, valid for `seconds` from now.
  TestCertificate Issue(const std::string& name, const std::string& organization = "Example",
                        long seconds = 3600);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sealtrail::net::testing
