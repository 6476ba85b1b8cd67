#include "runtime-lib/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

namespace o2w {
namespace {

// A number of any size: random bits, or a quotient of small numbers.
double some_number(std::mt19937_64& engine) {
  const uint64_t bits = engine();
  double number = 0;
  if (bits % 3 == 0) return static_cast<double>(static_cast<int64_t>(bits % 2'000'000)) / (1 + bits % 97);
  if (bits % 3 == 1) {
    float narrow = 0;
    const auto low = static_cast<uint32_t>(bits >> 16);
    std::memcpy(&narrow, &low, sizeof narrow);
    return narrow;
  }
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

TEST(NumberText, WritesWhatPrintfWrites) {
  std::mt19937_64 engine(1);
  for (int i = 0; i < 20'000; ++i) {
    const double number = some_number(engine);
    if (!std::isfinite(number)) continue;
    for (const int digits : {8, 17}) {
      char expected[64];
      std::snprintf(expected, sizeof expected, "%.*g", digits, number);
      NumberWriter writer;
      writer.put(number, digits);
      ASSERT_EQ(std::string(writer.text(), static_cast<std::size_t>(writer.length())), expected);
    }
  }
}

void expect_like_strtod(const std::string& text) {
  double number = 0;
  NumberReader reader(text.data(), text.size());
  ASSERT_TRUE(reader.read(number)) << text;
  const double expected = std::strtod(text.c_str(), nullptr);
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(number)) << text;
  } else {
    EXPECT_EQ(std::memcmp(&number, &expected, sizeof number), 0) << text << " read as " << number;
  }
}

TEST(NumberText, ReadsWhatStrtodReads) {
  std::mt19937_64 engine(2);
  for (int i = 0; i < 20'000; ++i) {
    char text[64];
    const char* format = i % 3 == 0 ? "%.17g" : i % 3 == 1 ? "%.20e" : "%a";
    std::snprintf(text, sizeof text, format, some_number(engine));
    expect_like_strtod(text);
  }
  // Halfway between two numbers, next to it, and at the ends of the range.
  for (const char* text : {"4.9e-324",
                           "2.4703282292062327e-324",
                           "2.4703282292062328e-324",
                           "1.7976931348623157e308",
                           "1.7976931348623159e308",
                           "0x1p-1074",
                           "0x1p-1075",
                           "0x1.8p-1075",
                           "0x1.fffffffffffff8p0",
                           "0x.8p1",
                           "1e",
                           "0x",
                           " -0.5junk",
                           "9007199254740993",
                           "9007199254740992.99999999999999999999999999999999999999999",
                           "1.00000000000000011102230246251565404236316680908203125",
                           "1.00000000000000011102230246251565404236316680908203124",
                           "1e-400",
                           "1e400",
                           "infinityx",
                           "+nan",
                           ".5",
                           "5."}) {
    expect_like_strtod(text);
  }
  expect_like_strtod("0." + std::string(900, '0') + "1e900");
  expect_like_strtod("1" + std::string(900, '0') + "e-900");
  expect_like_strtod(std::string(1200, '7') + "e-1190");
}

TEST(NumberText, RefusesWhatIsNoNumber) {
  for (const std::string text : {"", " ", "-", "e5", ".", "x1", "in", "--1"}) {
    double real = 0;
    int64_t whole = 0;
    EXPECT_FALSE(NumberReader(text.data(), text.size()).read(real)) << text;
    EXPECT_FALSE(NumberReader(text.data(), text.size()).read(whole)) << text;
  }
  int64_t whole = 0;
  const std::string large = "9223372036854775808", least = "-9223372036854775808";
  EXPECT_FALSE(NumberReader(large.data(), large.size()).read(whole));
  EXPECT_TRUE(NumberReader(least.data(), least.size()).read(whole));
  EXPECT_EQ(whole, INT64_MIN);
}

}  // namespace
}  // namespace o2w
