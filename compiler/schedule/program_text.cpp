#include <fmt/format.h>

#include "compiler/ir/text.h"
#include "compiler/ir/text_names.h"
#include "compiler/schedule/text.h"

namespace o2w::schedule {
namespace {

const char* storage_name(Storage storage) {
  switch (storage) {
    case Storage::weights:
      return "weights";
    case Storage::derived:
      return "derived";
    case Storage::input:
      return "input";
    case Storage::output:
      return "output";
    case Storage::arena:
      return "arena";
    case Storage::heap:
      return "heap";
  }
  return "?";
}

std::string address_text(const Address& address) {
  if (address.buffer < 0) return "none";
  if (address.byte_offset.is(0)) return fmt::format("b{}", address.buffer);
  return fmt::format("b{} + {}", address.buffer, address.byte_offset.to_string());
}

std::string addresses_text(const std::vector<Address>& list) {
  std::string text;
  for (const Address& address : list) text += (text.empty() ? "" : ", ") + address_text(address);
  return text;
}

std::string dim(const ir::Dim& d) { return d.to_string(); }

std::string symbols_text(const std::vector<ir::SymbolRef>& symbols) {
  std::string text;
  for (const auto& symbol : symbols) text += (text.empty() ? "" : ", ") + symbol->name;
  return text;
}

std::string kernel_text(const LoopNest& nest, const std::string& at, const std::string& indent,
                        const std::string& end) {
  std::string text = fmt::format("{}nest {} ({}){}", indent, ir::to_string(nest.outer), at, end);
  for (std::size_t k = 0; k < nest.operands.size(); ++k) {
    text += fmt::format("{}  operand{}: {}{}\n", indent, k, ir::name(nest.operands[k].type),
                        layout_text(nest.operands[k].shape, nest.operands[k].layout));
  }
  return text + stages_text(nest, indent + "  ");
}

std::string factors_text(Factors factors) {
  static constexpr const char* names[] = {"", " f32 by i8", " i16", " i16 by i8", " i16 by i8 with offsets"};
  return names[static_cast<int>(factors)];
}

std::string kernel_text(const Matmul& m, const std::string& at, const std::string& indent,
                        const std::string& end) {
  static constexpr const char* kinds[] = {"packed", "rows", "columns"};
  std::string text =
      fmt::format("{}matmul{} m {} n {} k {}", indent, factors_text(m.factors), dim(m.m), dim(m.n), dim(m.k));
  for (const BatchLoop& loop : m.batch) {
    text += fmt::format(" batch {} ({}, {}, {})", dim(loop.extent), dim(loop.lhs_stride),
                        dim(loop.rhs_stride), dim(loop.out_stride));
  }
  text += fmt::format(" lhs rows {} rhs {} {} out rows {} ({}){}", dim(m.lhs_row_stride),
                      kinds[static_cast<int>(m.rhs)], dim(m.rhs_stride), dim(m.out_row_stride), at,
                      epilogue_text(m.epilogue));
  return text + (m.pack_lhs ? " packing lhs" : "") + end;
}

std::string kernel_text(const Conv2d& c, const std::string& at, const std::string& indent,
                        const std::string& end) {
  static constexpr const char* algorithms[] = {"", "depthwise ", "winograd "};
  return fmt::format(
      "{}{}conv2d{} x [{}, {}, {}, {}] strides [{}, {}, {}] out [{}, {}, {}, {}] strides [{}, {}, {}] kernel "
      "{}x{} stride {}x{} "
      "dilation {}x{} pad {}, {} group {} ({}){}{}",
      indent, algorithms[static_cast<int>(c.algorithm)], factors_text(c.factors), dim(c.n), dim(c.h),
      dim(c.w), dim(c.c), dim(c.x_batch_stride), dim(c.x_row_stride),
      c.planes ? "planes " + dim(c.x_plane_stride) : dim(c.x_pixel_stride), dim(c.n), dim(c.oh), dim(c.ow),
      dim(c.m), dim(c.out_batch_stride), dim(c.out_row_stride), dim(c.out_pixel_stride), c.kh, c.kw,
      c.stride_h, c.stride_w, c.dilation_h, c.dilation_w, dim(c.pad_top), dim(c.pad_left), c.group, at,
      epilogue_text(c.epilogue), end);
}

std::string kernel_text(const Transpose2d& t, const std::string& at, const std::string& indent,
                        const std::string& end) {
  return fmt::format("{}transpose [{}, {}, {}] strides [{}, {}] to [{}, {}] ({}){}", indent, dim(t.batch),
                     dim(t.rows), dim(t.columns), dim(t.x_batch_stride), dim(t.x_row_stride),
                     dim(t.out_batch_stride), dim(t.out_row_stride), at, end);
}

std::string kernel_text(const CopyBytes& c, const std::string& at, const std::string& indent,
                        const std::string& end) {
  return fmt::format("{}copy {} bytes ({}){}", indent, dim(c.bytes), at, end);
}

std::string kernel_text(const Routine& r, const std::string& at, const std::string& indent,
                        const std::string& end) {
  std::string text = fmt::format("{}routine {} ({})", indent, r.name, at);
  const auto tensors = [&](const char* what, const std::vector<Routine::Tensor>& list) {
    if (!list.empty()) text += what;
    for (const Routine::Tensor& tensor : list)
      text += fmt::format(" {}{}", ir::name(tensor.type), ir::to_string(tensor.shape));
  };
  tensors(" in", r.inputs);
  tensors(" out", r.outputs);
  if (!r.ints.empty()) text += fmt::format(" ints [{}]", fmt::join(r.ints, ", "));
  if (!r.floats.empty()) text += fmt::format(" floats [{}]", fmt::join(r.floats, ", "));
  if (!r.counts.empty()) text += " counts " + symbols_text(r.counts);
  return text + end;
}

std::string steps_text(const Steps& steps, const std::string& indent);

std::string step_text(const Call& call, const std::string& indent, const std::string& end) {
  const std::string at = addresses_text(call.pointers);
  const std::string error = call.error >= 0 ? fmt::format(" error {}", call.error) : "";
  return std::visit([&](const auto& kernel) { return kernel_text(kernel, at, indent, error + end); },
                    call.kernel);
}
std::string step_text(const Branch& branch, const std::string& indent, const std::string& end) {
  return fmt::format("{}if {} {{{}", indent, address_text(branch.condition), end) +
         steps_text(*branch.then_steps, indent + "  ") + indent + "} else {\n" +
         steps_text(*branch.else_steps, indent + "  ") + indent + "}\n";
}
std::string step_text(const Repeat& repeat, const std::string& indent, const std::string& end) {
  std::string text = fmt::format("{}repeat {}", indent, address_text(repeat.iteration));
  if (repeat.trip_count) text += " times " + dim(*repeat.trip_count);
  if (repeat.condition.buffer >= 0) text += " while " + address_text(repeat.condition);
  if (repeat.iterations) text += " counted by " + repeat.iterations->name;
  return text + " {" + end + steps_text(*repeat.body, indent + "  ") + indent + "}\n";
}
std::string step_text(const BindSymbols& bind, const std::string& indent, const std::string& end) {
  return fmt::format("{}bind {} to {} at {} error {}{}", indent, symbols_text(bind.symbols),
                     ir::name(bind.type), address_text(bind.source), bind.error, end);
}
std::string step_text(const SetSymbol& set, const std::string& indent, const std::string& end) {
  return fmt::format("{}set {} = {}{}", indent, set.symbol->name, dim(set.value), end);
}
std::string step_text(const Check& check, const std::string& indent, const std::string& end) {
  return fmt::format("{}check {} {} {} error {}{}", indent, dim(check.a), ir::relation_name(check.relation),
                     dim(check.b), check.error, end);
}
std::string step_text(const Allocate& allocate, const std::string& indent, const std::string& end) {
  return fmt::format("{}allocate b{}{}", indent, allocate.buffer, end);
}
std::string step_text(const Free& release, const std::string& indent, const std::string& end) {
  return fmt::format("{}free b{}{}", indent, release.buffer, end);
}
std::string step_text(const MoveBuffer& move, const std::string& indent, const std::string& end) {
  return fmt::format("{}move b{} to b{}{}", indent, move.from, move.to, end);
}

std::string steps_text(const Steps& steps, const std::string& indent) {
  std::string text;
  for (const Step& step : steps) {
    const std::string end = origin_text(step.origin) + "\n";
    text += std::visit([&](const auto& what) { return step_text(what, indent, end); }, step.what);
  }
  return text;
}

}  // namespace

std::string epilogue_text(const Epilogue& epilogue) {
  if (epilogue.body.get() == nullptr) return "";
  static constexpr const char* kinds[] = {"same", "column", "scalar"};
  std::string text = " then";
  for (const EpilogueOperand& operand : epilogue.operands) {
    text += fmt::format(" {} {}", ir::name(operand.type), kinds[static_cast<int>(operand.access)]);
  }
  return text + ": " + ir::to_text(epilogue.body);
}

std::string to_text(const Program& program) {
  std::string text = fmt::format("program \"{}\"\n", program.name);
  for (const auto& symbol : program.symbols) {
    text += fmt::format("symbol {} {}..{}{}\n", symbol->name, symbol->lower, symbol->upper,
                        symbol->from_input ? " input" : "");
  }
  const auto ports = [&](const char* what, const std::vector<ProgramPort>& list) {
    for (const ProgramPort& port : list) {
      text += fmt::format("{} \"{}\": {}{} in b{}\n", what, port.name, ir::name(port.type),
                          ir::to_string(port.shape), port.buffer);
    }
  };
  ports("input", program.inputs);
  ports("output", program.outputs);
  for (std::size_t k = 0; k < program.buffers.size(); ++k) {
    const Buffer& buffer = program.buffers[k];
    text += fmt::format("b{} \"{}\": {} {} bytes", k, buffer.name, storage_name(buffer.storage),
                        dim(buffer.bytes));
    if (buffer.storage == Storage::arena) {
      text += fmt::format(" live {}..{}", buffer.first_use, buffer.last_use);
      if (buffer.offset >= 0) text += fmt::format(" at {}", buffer.offset);
    }
    text += "\n";
  }
  for (std::size_t k = 0; k < program.errors.size(); ++k)
    text += fmt::format("error {}: {}\n", k, program.errors[k]);
  if (program.arena_bytes > 0) {
    text += fmt::format("arena {} bytes, at least {}\n", program.arena_bytes, program.arena_lower_bound);
  }
  if (!program.setup.empty()) text += "setup\n" + steps_text(program.setup, "  ");
  return text + steps_text(program.steps, "");
}

}  // namespace o2w::schedule
