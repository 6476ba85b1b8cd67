// Messages as the compiler writes them and the runtime library reads them.
#include "compiler/package/message_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "runtime-lib/allocator.h"
#include "runtime-lib/platform.h"
#include "runtime-lib/text.h"
#include "tests/runtime/linear_memory.h"

namespace o2w::runtime {
namespace {

using testing::Lt;

class Messages : public testing::Test {
 protected:
  void SetUp() override {
    runtime_test::install_model();
    before_ = o2w_model;
  }
  void TearDown() override {
    o2w_model = before_;
    release(address_);
  }
  // The bytes they take.
  std::size_t install(const std::vector<std::string>& messages) {
    const package::MessageTable table = package::make_message_table(messages);
    release(address_);
    address_ = allocate(table.bytes.size());
    std::memcpy(at<char>(address_), table.bytes.data(), table.bytes.size());
    o2w_model.error_count = static_cast<uint32_t>(messages.size());
    o2w_model.errors = address_;
    o2w_model.phrase_count = table.phrase_count;
    return table.bytes.size();
  }

 private:
  abi::ModelDescriptor before_ = {};
  uint32_t address_ = 0;
};

TEST_F(Messages, ComeBackAsTheyWere) {
  const std::vector<std::string> messages = {"",
                                             "node 'a' (Gather-13): an index is out of range",
                                             "tensor 'Größe \xe6\xbc\xa2'",
                                             "\x01\x02\x1f\x7f\xff",
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                             "node 'b' (Gather-13): an index is out of range",
                                             "tensor 'Größe \xe6\xbc\xa2'",
                                             "node 'c' (Gather-13): an index is out of range"};
  install(messages);
  for (uint32_t k = 0; k < messages.size(); ++k) EXPECT_EQ(message(k), messages[k]);
  EXPECT_EQ(message(8), nullptr);
  install({});
  EXPECT_EQ(message(0), nullptr);
}

TEST_F(Messages, OfOneModelShareTheirWords) {
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  for (int layer = 0; layer < 12; ++layer) {
    for (const char* part : {"query", "key", "value", "output"}) {
      const std::string node = "/encoder/layer." + std::to_string(layer) + "/attention/" + part;
      messages.push_back("node '" + node + "/MatMul' (MatMul-13): the inner dimensions differ");
      messages.push_back("tensor '" + node + "/Add_output_0'");
    }
  }
  for (const std::string& text : messages) bytes += text.size() + 1;
  EXPECT_THAT(install(messages) * 8, Lt(bytes));
  for (uint32_t k = 0; k < messages.size(); ++k) EXPECT_EQ(message(k), messages[k]);
}

TEST_F(Messages, OfAnyFormComeBack) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };
  std::vector<std::string> words(400);
  for (std::string& word : words) {
    for (std::size_t length = 1 + below(12); length > 0; --length)
      word += static_cast<char>(below(4) ? 'a' + below(26) : 1 + below(255));
  }
  std::vector<std::string> messages(3000);
  for (std::string& text : messages) {
    for (std::size_t count = below(10); count > 0; --count) text += words[below(words.size())];
  }
  install(messages);
  for (uint32_t k = 0; k < messages.size(); k += 7) ASSERT_EQ(message(k), messages[k]);
}

TEST_F(Messages, ThatAreTooLongEndWithAWholeCharacter) {
  std::string text;
  for (int k = 0; k < 600; ++k) text += "ü";
  install({text});
  ErrorText() << message(0);
  EXPECT_EQ(std::string(last_error()), text.substr(0, 1000));
  install({"x" + text});
  ErrorText() << message(0);
  EXPECT_EQ(std::string(last_error()), "x" + text.substr(0, 998));
}

}  // namespace
}  // namespace o2w::runtime
