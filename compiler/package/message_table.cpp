#include "compiler/package/message_table.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "runtime-lib/model_abi.h"

namespace o2w::package {

namespace {

// Bytes are symbols below kFirstPhrase, phrases those from there on.
using Symbol = uint32_t;
using Text = std::vector<Symbol>;
constexpr Symbol kFirstPhrase = 256;
constexpr std::size_t kMostPhrases =
    abi::kShortPhrases + std::size_t{abi::kFirstPlainByte - abi::kFirstLongPhrase} * 256;
// The runtime library writes a phrase out by recursion.
constexpr int kMostDepth = 40;
// Symbols to look at, all rounds together: models with megabytes of names stop early.
constexpr std::size_t kMostWork = 40'000'000;

bool is_plain(Symbol symbol) { return symbol >= abi::kFirstPlainByte && symbol < abi::kFirstShortPhrase; }

class Grammar {
 public:
  explicit Grammar(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) {
      Text& text = messages_.emplace_back();
      for (const char* at = message.c_str(); *at != 0; ++at) text.push_back(static_cast<uint8_t>(*at));
    }
  }

  void find_phrases() {
    for (std::size_t work = 0; work < kMostWork;) {
      if (!replace_pairs()) return;
      for (const Text& text : messages_) work += text.size();
    }
  }

  // Phrases that cost more than they save are written out where they are used.
  void drop_useless() {
    for (;;) {
      number_by_use();
      std::vector<bool> dropped(phrases_.size());
      for (std::size_t k = 0; k < phrases_.size(); ++k) {
        std::size_t body = 0;
        for (const Symbol symbol : phrases_[k]) body += length_of(symbol);
        const std::size_t code = length_of(kFirstPhrase + static_cast<Symbol>(k));
        dropped[k] = uses_[k] * body <= uses_[k] * code + body + 1;
      }
      if (std::find(dropped.begin(), dropped.end(), true) == dropped.end()) return;
      const auto write_out = [&](const auto& self, const Text& text) -> Text {
        Text result;
        for (const Symbol symbol : text) {
          if (symbol < kFirstPhrase || !dropped[symbol - kFirstPhrase]) {
            result.push_back(symbol);
          } else {
            const Text inner = self(self, phrases_[symbol - kFirstPhrase]);
            result.insert(result.end(), inner.begin(), inner.end());
          }
        }
        return result;
      };
      for (Text& text : messages_) text = write_out(write_out, text);
      std::vector<Symbol> numbers(phrases_.size());
      std::vector<Text> left;
      for (std::size_t k = 0; k < phrases_.size(); ++k) {
        if (dropped[k]) continue;
        numbers[k] = kFirstPhrase + static_cast<Symbol>(left.size());
        left.push_back(write_out(write_out, phrases_[k]));
      }
      phrases_ = std::move(left);
      renumber(numbers);
    }
  }

  MessageTable table() const {
    MessageTable table;
    for (const std::vector<Text>* texts : {&phrases_, &messages_}) {
      for (const Text& text : *texts) {
        for (const Symbol symbol : text) append(table.bytes, symbol);
        table.bytes.push_back(0);
      }
    }
    table.phrase_count = static_cast<uint32_t>(phrases_.size());
    return table;
  }

 private:
  // Makes phrases of the most frequent pairs of neighbours. Whether there were any.
  bool replace_pairs() {
    std::unordered_map<uint64_t, uint32_t> counts;
    for_each_pair([&](uint64_t pair) { ++counts[pair]; });
    std::vector<std::pair<uint32_t, uint64_t>> frequent;
    for (const auto& [pair, count] : counts) {
      const int depth = 1 + std::max(depth_of(pair >> 32), depth_of(pair & 0xffffffff));
      if (count >= 3 && depth <= kMostDepth) frequent.emplace_back(count, pair);
    }
    std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    // Those that are about as frequent as the first are taken in one go, if they do not touch.
    std::map<uint64_t, Symbol> chosen;
    std::vector<bool> ends(kFirstPhrase + phrases_.size()), begins(ends.size());
    for (const auto& [count, pair] : frequent) {
      const auto left = static_cast<Symbol>(pair >> 32), right = static_cast<Symbol>(pair);
      if (count * 4 < frequent.front().first * 3 || phrases_.size() == kMostPhrases) break;
      if (begins[right] || ends[left] || (left == right && !chosen.empty())) continue;
      begins[left] = ends[right] = true;
      chosen[pair] = kFirstPhrase + static_cast<Symbol>(phrases_.size());
      depths_.push_back(1 + std::max(depth_of(left), depth_of(right)));
      phrases_.push_back({left, right});
      if (left == right) break;
    }
    for (Text& text : messages_) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < text.size(); ++i) {
        Symbol symbol = text[i];
        if (i + 1 < text.size()) {
          const auto found = chosen.find(uint64_t{symbol} << 32 | text[i + 1]);
          if (found != chosen.end()) {
            symbol = found->second;
            ++i;
          }
        }
        text[length++] = symbol;
      }
      text.resize(length);
    }
    return !chosen.empty();
  }

  // Of equal symbols in a row only every other pair, as they would be replaced.
  template <typename Visit>
  void for_each_pair(const Visit& visit) const {
    for (const Text& text : messages_) {
      std::size_t run = 0;
      for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        run = text[i] == text[i + 1] ? run + 1 : 0;
        if (run % 2 == 0 && run > 0) continue;
        visit(uint64_t{text[i]} << 32 | text[i + 1]);
      }
    }
  }

  int depth_of(uint64_t symbol) const {
    return symbol < kFirstPhrase ? 0 : depths_[static_cast<std::size_t>(symbol) - kFirstPhrase];
  }

  // The most used phrases come first, since they have the shorter codes.
  void number_by_use() {
    uses_.assign(phrases_.size(), 0);
    for (const std::vector<Text>* texts : {&phrases_, &messages_}) {
      for (const Text& text : *texts) {
        for (const Symbol symbol : text) {
          if (symbol >= kFirstPhrase) ++uses_[symbol - kFirstPhrase];
        }
      }
    }
    std::vector<std::size_t> order(phrases_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return uses_[a] > uses_[b]; });
    std::vector<Symbol> numbers(order.size());
    std::vector<Text> sorted;
    std::vector<std::size_t> uses;
    for (const std::size_t k : order) {
      numbers[k] = kFirstPhrase + static_cast<Symbol>(sorted.size());
      sorted.push_back(std::move(phrases_[k]));
      uses.push_back(uses_[k]);
    }
    phrases_ = std::move(sorted);
    uses_ = std::move(uses);
    renumber(numbers);
  }

  void renumber(const std::vector<Symbol>& numbers) {
    for (std::vector<Text>* texts : {&phrases_, &messages_}) {
      for (Text& text : *texts) {
        for (Symbol& symbol : text) {
          if (symbol >= kFirstPhrase) symbol = numbers[symbol - kFirstPhrase];
        }
      }
    }
  }

  static std::size_t length_of(Symbol symbol) {
    if (symbol < kFirstPhrase) return is_plain(symbol) ? 1 : 2;
    return symbol - kFirstPhrase < abi::kShortPhrases ? 1 : 2;
  }

  static void append(std::vector<uint8_t>& bytes, Symbol symbol) {
    const auto put = [&](Symbol byte) { bytes.push_back(static_cast<uint8_t>(byte)); };
    if (symbol < kFirstPhrase) {
      if (!is_plain(symbol)) put(abi::kAnyByte);
      return put(symbol);
    }
    Symbol number = symbol - kFirstPhrase;
    if (number < abi::kShortPhrases) return put(abi::kFirstShortPhrase + number);
    number -= abi::kShortPhrases;
    put(abi::kFirstLongPhrase + number / 256);
    put(number % 256);
  }

  std::vector<Text> messages_, phrases_;
  std::vector<int> depths_;        // of phrases while they are found
  std::vector<std::size_t> uses_;  // of phrases
};

}  // namespace

MessageTable make_message_table(const std::vector<std::string>& messages) {
  Grammar grammar(messages);
  grammar.find_phrases();
  grammar.drop_useless();
  return grammar.table();
}

}  // namespace o2w::package
