// The subset construction. A state is a set of places in the program, before anything is asked about the byte
// to come; together with what the byte before was like, if the program asks.
#include <algorithm>
#include <map>
#include <set>

#include "frontends/onnx/ops/text/regex/program.h"

namespace o2w::onnx_frontend::regex {
namespace {

using o2w::regex::Op;

// Above these, the program itself is run.
constexpr std::size_t kMostStates = 2000, kMostEntries = std::size_t{1} << 17;
// Places of all states together: what the construction may cost.
constexpr std::size_t kMostPlaces = 2'000'000;

class Construction {
 public:
  explicit Construction(const Program& program) : program_(program) {
    asks_ = std::any_of(program.instructions.begin(), program.instructions.end(),
                        [](const Instruction& i) { return i.op == Op::check; });
    marks_.assign(program.instructions.size(), -1);
    stack_.resize(program.instructions.size());
    find_classes();
  }

  std::optional<Automaton> run() {
    number({{}, -1});  // where nothing matches
    number({{program_.start}, -1});
    for (std::size_t state = 0; state < states_.size(); ++state) {
      const State from = states_[state];
      if (states_.size() > kMostStates || states_.size() * examples_.size() > kMostEntries ||
          places_ > kMostPlaces)
        return std::nullopt;
      std::map<int32_t, Reached> by_conditions;
      for (const int32_t byte : examples_) result_.table.push_back(step(from, byte, by_conditions));
      result_.accepting.push_back(reach(from, o2w::regex::conditions_between(from.before, -1)).matched);
    }
    result_.class_count = static_cast<int64_t>(examples_.size());
    return std::move(result_);
  }

 private:
  struct State {
    std::vector<int32_t> places;
    int32_t before;  // a byte like the one before; -1 at the beginning, or where it does not matter
    auto operator<=>(const State&) const = default;
  };
  struct Reached {
    std::vector<const Instruction*> reading;
    bool matched = false;
  };

  void find_classes() {
    std::set<int32_t> ends = {255};
    const auto range = [&](int32_t first, int32_t last) {
      if (first > 0) ends.insert(first - 1);
      ends.insert(last);
    };
    for (const Instruction& instruction : program_.instructions) {
      if (instruction.op == Op::bytes) range(instruction.a, instruction.b);
    }
    if (asks_) {
      range('\n', '\n');
      range('0', '9');
      range('A', 'Z');
      range('_', '_');
      range('a', 'z');
    }
    int32_t byte = 0;
    for (const int32_t end : ends) {
      examples_.push_back(byte);
      for (; byte <= end; ++byte) result_.classes.push_back(static_cast<uint8_t>(examples_.size() - 1));
    }
  }

  Reached reach(const State& state, int32_t conditions) {
    Reached reached;
    ++mark_;
    for (const int32_t place : state.places) {
      reached.matched |= o2w::regex::follow(
          program_.instructions.data(), place, conditions, marks_.data(), mark_, stack_.data(),
          [&](const Instruction& reads) { reached.reading.push_back(&reads); });
    }
    return reached;
  }

  uint16_t step(const State& from, int32_t byte, std::map<int32_t, Reached>& by_conditions) {
    const int32_t conditions = asks_ ? o2w::regex::conditions_between(from.before, byte) : 0;
    const auto [reached, is_new] = by_conditions.try_emplace(conditions);
    if (is_new) reached->second = reach(from, conditions);
    State to{{}, -1};
    for (const Instruction* reads : reached->second.reading) {
      if (byte >= reads->a && byte <= reads->b) to.places.push_back(reads->next);
    }
    std::sort(to.places.begin(), to.places.end());
    to.places.erase(std::unique(to.places.begin(), to.places.end()), to.places.end());
    // Of the byte before, only this is ever asked.
    if (asks_ && !to.places.empty())
      to.before = byte == '\n' ? '\n' : o2w::regex::is_word_byte(byte) ? 'a' : ' ';
    return number(std::move(to));
  }

  uint16_t number(State state) {
    const auto [found, is_new] = numbers_.try_emplace(state, states_.size());
    if (is_new) {
      places_ += state.places.size();
      states_.push_back(std::move(state));
    }
    return static_cast<uint16_t>(found->second);
  }

  const Program& program_;
  bool asks_ = false;
  std::vector<int32_t> examples_;  // a byte of each class
  std::vector<int32_t> marks_, stack_;
  int32_t mark_ = -1;
  std::vector<State> states_;
  std::map<State, std::size_t> numbers_;
  std::size_t places_ = 0;
  Automaton result_;
};

}  // namespace

std::optional<Automaton> automaton_of(const Program& program) { return Construction(program).run(); }

}  // namespace o2w::onnx_frontend::regex
