#include "base/log.h"

#include <optional>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace sealtrail {
namespace {

// A strict reader of one flat JSON object of strings (RFC 8259), our second witness: its members in order, or
// nothing if a byte is out of place.
class FlatObject {
 public:
  using Members = std::vector<std::pair<std::string, std::string>>;

  static std::optional<Members> Parse(std::string_view text) {
    FlatObject reader(text);
    Members members;
    if (!reader.Take('{')) return std::nullopt;
    do {
      std::string name, value;
      if (!reader.String(name) || !reader.Take(':') || !reader.String(value)) return std::nullopt;
      members.emplace_back(std::move(name), std::move(value));
    } while (reader.Take(','));
    if (!reader.Take('}') || reader.at_ != text.size()) return std::nullopt;
    return members;
  }

 private:
  explicit FlatObject(std::string_view text) : text_(text) {}

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool String(std::string& out) {
    if (!Take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] != '\\') {
        out += text_[at_++];
      } else if (!Escape(out)) {
        return false;
      }
    }
    return Take('"');
  }

  bool Escape(std::string& out) {
    static constexpr std::string_view kShort = "\"\\/bfnrt", kMeaning = "\"\\/\b\f\n\r\t";
    if (++at_ >= text_.size()) return false;
    if (const size_t i = kShort.find(text_[at_]); i != std::string_view::npos) {
      out += kMeaning[i];
      ++at_;
      return true;
    }
    if (text_[at_] != 'u' || at_ + 5 > text_.size()) return false;
    const std::string digits(text_.substr(at_ + 1, 4));
    if (digits.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    out += static_cast<char>(std::stoi(digits, nullptr, 16));
    at_ += 5;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

TEST(LogTest, ALineIsAsDocumented) {
  EXPECT_EQ(FormatLogLine(LogLevel::kWarning, UnixNanos{0}, "clock_step", "It went back.",
                          {{"by", "5 s"}}),
            R"({"at":"1970-01-01T00:00:00.000000000Z","level":"warning","event":"clock_step",)"
            R"("message":"It went back.","by":"5 s"})"
            "\n");
  EXPECT_NE(FormatLogLine(LogLevel::kInfo, UnixNanos{0}, "e", "m", {}).find(R"("level":"info")"),
            std::string::npos);
  EXPECT_NE(FormatLogLine(LogLevel::kError, UnixNanos{0}, "e", "m", {}).find(R"("level":"error")"),
            std::string::npos);
}

TEST(LogTest, EveryCharacterComesBack) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text = std::string("<") + static_cast<char>(c) + ">";
    const std::string line =
        FormatLogLine(LogLevel::kInfo, UnixNanos{0}, text, text, {{text, text}});
    ASSERT_EQ(line.back(), '\n');
    ASSERT_EQ(line.find('\n'), line.size() - 1) << "one line, whatever it says";
    const auto members = FlatObject::Parse(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(members.has_value()) << line;
    ASSERT_EQ(members->size(), 5u);
    EXPECT_EQ((*members)[2], std::pair(std::string("event"), text));
    EXPECT_EQ((*members)[3], std::pair(std::string("message"), text));
    EXPECT_EQ((*members)[4], std::pair(text, text));
  }
}

// RFC 8785 §3.2.2.2: short escapes where there are any, \u00xx in lower case, all else as it is.
TEST(LogTest, EscapesAreCanonical) {
  EXPECT_EQ(JsonEscaped(std::string_view("\"\\/\b\f\n\r\t\0\x1f\x7f", 11)),
            "\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f");
  EXPECT_EQ(JsonEscaped("\xe2\x82\xac\xe2\x80\xa8"), "\xe2\x82\xac\xe2\x80\xa8");
  EXPECT_EQ(JsonEscaped("a\xff"), "a\xef\xbf\xbd");
}

TEST(LogTest, LinesOfThreadsDoNotMix) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 25; ++i)
          LogLine(LogLevel::kInfo, UnixNanos{0}, "e", std::string(100, 'm'));
      });
    }
  }  // 100 lines fit the pipe
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(ends[1]);
  std::string all;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<size_t>(got));
  }
  ::close(ends[0]);
  const std::string line =
      FormatLogLine(LogLevel::kInfo, UnixNanos{0}, "e", std::string(100, 'm'), {});
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += line;
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace sealtrail
