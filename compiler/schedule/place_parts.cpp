// Parts of concatenations are computed where they lie.
//
// A concatenation is so far a host tensor and one copy for each part. If what the copy reads lies in storage
// of its own, it moves into the host, to the place that makes the copy copy nothing, with all that lies in
// it. (So a tensor whose slices are parts side by side, as in cross-stage partial networks, moves as a
// whole.) If all parts already lie in one other host just as they should in this one (densely connected
// networks), this one becomes a view of the other. The same goes for copies of whole tensors, such as those
// to outputs.
#include <algorithm>

#include "compiler/schedule/kernel_choice.h"
#include "compiler/schedule/nest_rewriting.h"
#include "compiler/schedule/storage.h"

namespace o2w::schedule {
namespace {

using ir::Dim;

class PartPlacement {
 public:
  PartPlacement(Draft& draft, Block& block)
      : draft_(draft),
        block_(block),
        uses_(draft, block),
        dead_(block.size(), false),
        children_(draft.tensors.size()) {
    for (std::size_t t = 0; t < draft.tensors.size(); ++t) {
      const int host = draft.tensors[t].host;
      if (host >= 0) children_[static_cast<std::size_t>(host)].push_back(static_cast<int>(t));
    }
  }

  void run() {
    // The last host first: it may hold what earlier ones consist of.
    std::vector<int> hosts;
    for (std::size_t k = block_.size(); k-- > 0;) {
      const NestOp* nest = block_[k].as<NestOp>();
      const auto slice = nest != nullptr ? slice_read(draft_, *nest) : std::nullopt;
      if (!slice || !slice->is_box()) continue;
      const int host = draft_.at(slice->to).host >= 0 ? draft_.at(slice->to).host : slice->to;
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    }
    for (const int host : hosts) fill(host);
    erase_operations(block_, dead_);
  }

 private:
  // A part of a host along one dimension, and the copy that fills it.
  struct Part {
    int tensor = -1;
    Dim position, extent;
    int writer = -1;  // position of the copy in the block; -1: something else fills the part
    int from = -1;
    Dim from_position;  // in `from`
  };
  struct Host {
    int tensor = -1;
    std::size_t axis = 0;
    std::vector<Part> parts;
    std::vector<int> rewriters;  // operations that write it as a whole after its parts
  };
  // Where a tensor's elements begin along a dimension of the outermost host that it is a slice of.
  struct Place {
    int host = -1;
    Dim position;
  };
  struct Candidate {
    int tensor = -1;
    int face = -1;                             // itself, or the view of it that the copies read
    Dim position;                              // in the host
    std::vector<int> copies;                   // that copy nothing once it is there
    std::vector<std::pair<int, int>> lodgers;  // residuals that it takes the place of: (tensor, its new host)
    std::vector<std::pair<int, DraftTensor>> before;
  };

  Operation& at(int position) { return block_[static_cast<std::size_t>(position)]; }

  // The dimension along which a slice is shorter than its host (`any` if it is as long); -1 if it is no such
  // slice.
  int slice_axis(int t, int any) const {
    const DraftTensor &tensor = draft_.at(t), &host = draft_.at(tensor.host);
    if (host.shape.size() != tensor.shape.size() || host.type != tensor.type ||
        !same_strides(tensor.shape, tensor.layout, host.layout)) {
      return -1;
    }
    int axis = -1;
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      if (tensor.shape[d] == host.shape[d]) continue;
      if (axis >= 0) return -1;
      axis = static_cast<int>(d);
    }
    return axis >= 0 ? axis : any;
  }

  // A slice's first element along the dimension in the host; nothing if it does not begin at one.
  std::optional<Dim> position_in_host(int t, std::size_t axis) const {
    const DraftTensor& tensor = draft_.at(t);
    if (tensor.host_offset.is(0)) return Dim(0);
    return tensor.host_offset.exact_div(draft_.at(tensor.host).layout.strides[axis] *
                                        Dim(ir::byte_size(tensor.type)));
  }

  Place place_of(int t, std::size_t axis) const {
    Place place{t, 0};
    while (draft_.at(place.host).host >= 0) {
      const int found = slice_axis(place.host, static_cast<int>(axis));
      const std::optional<Dim> position = position_in_host(place.host, axis);
      if (found != static_cast<int>(axis) || !position) break;
      place.position += *position;
      place.host = draft_.at(place.host).host;
    }
    return place;
  }

  // --- The host.

  std::optional<Host> host_of(int tensor) const {
    const DraftTensor& root = draft_.at(draft_.root(tensor));
    if (root.home != DraftTensor::Home::computed || root.carried || root.on_heap || root.allocated_by_op ||
        root.has_capacity || !uses_.is_local(tensor) || draft_.at(tensor).shape.empty()) {
      return std::nullopt;
    }
    Host host{tensor, 0, {}, {}};
    bool has_axis = false;
    for (const int child : children_[static_cast<std::size_t>(tensor)]) {
      if (uses_.writers(child).empty() && uses_.is_local(child)) continue;
      const int axis = slice_axis(child, has_axis ? static_cast<int>(host.axis) : 0);
      if (axis < 0 || !uses_.is_local(child) || (has_axis && axis != static_cast<int>(host.axis)))
        return std::nullopt;
      host.axis = static_cast<std::size_t>(axis);
      has_axis = true;
    }
    for (const int child : children_[static_cast<std::size_t>(tensor)]) {
      if (uses_.writers(child).empty()) continue;
      const std::optional<Dim> position = position_in_host(child, host.axis);
      if (!position) return std::nullopt;
      host.parts.push_back(part_of(child, *position, host.axis));
    }
    const std::set<int>& writers = uses_.writers(tensor);
    if (host.parts.empty()) {
      if (writers.empty()) return std::nullopt;
      host.parts.push_back(part_of(tensor, 0, 0));
      host.parts[0].writer = *writers.begin();
      if (!fill_in_copy(host.parts[0], 0)) return std::nullopt;
      host.rewriters.assign(std::next(writers.begin()), writers.end());
    } else {
      host.rewriters.assign(writers.begin(), writers.end());
    }
    return host;
  }

  Part part_of(int tensor, Dim position, std::size_t axis) const {
    Part part{tensor, std::move(position), draft_.at(tensor).shape[axis], -1, -1, 0};
    if (uses_.writers(tensor).size() == 1) {
      part.writer = *uses_.writers(tensor).begin();
      if (!fill_in_copy(part, axis)) part.writer = -1;
    }
    return part;
  }

  bool fill_in_copy(Part& part, std::size_t axis) const {
    const NestOp* nest = block_[static_cast<std::size_t>(part.writer)].as<NestOp>();
    const auto slice = nest != nullptr ? slice_read(draft_, *nest) : std::nullopt;
    if (!slice || slice->to != part.tensor || !slice->is_box()) return false;
    for (std::size_t d = 0; d < slice->origin.size(); ++d) {
      if (d == axis) continue;
      if (!slice->origin[d].is(0) || draft_.at(slice->from).shape[d] != draft_.at(part.tensor).shape[d])
        return false;
    }
    part.from = slice->from;
    part.from_position = slice->origin[axis];
    return true;
  }

  // --- What moves in.

  // A tensor and all that lie in it.
  std::vector<int> family(int tensor) const {
    std::vector<int> list{tensor};
    for (std::size_t k = 0; k < list.size(); ++k) {
      const std::vector<int>& inner = children_[static_cast<std::size_t>(list[k])];
      list.insert(list.end(), inner.begin(), inner.end());
    }
    return list;
  }

  std::set<int> users(int tensor) const {
    std::set<int> positions;
    for (const int member : family(tensor)) {
      positions.insert(uses_.readers(member).begin(), uses_.readers(member).end());
      positions.insert(uses_.writers(member).begin(), uses_.writers(member).end());
    }
    return positions;
  }

  // In storage of its own, known to this block only.
  bool may_move(int tensor) const {
    const DraftTensor& t = draft_.at(tensor);
    if (t.home != DraftTensor::Home::computed || t.port >= 0 || t.host >= 0 || t.carried || t.on_heap ||
        t.allocated_by_op || t.has_capacity) {
      return false;
    }
    const std::vector<int> members = family(tensor);
    return std::all_of(members.begin(), members.end(), [&](int member) {
      return uses_.is_local(member) && !uses_.is_output(member) && !draft_.at(member).has_capacity;
    });
  }

  std::optional<Candidate> candidate(const Host& host, int face, const Dim& position) const {
    const int tensor = draft_.root(face);
    const bool is_near = face == tensor || (draft_.at(face).host == tensor && is_view(face));
    if (!is_near || !may_move(tensor) || draft_.root(host.tensor) == tensor) return std::nullopt;
    const DraftTensor &t = draft_.at(face), &h = draft_.at(host.tensor);
    if (t.shape.size() != h.shape.size()) return std::nullopt;
    for (std::size_t d = 0; d < t.shape.size(); ++d) {
      if (d != host.axis && t.shape[d] != h.shape[d]) return std::nullopt;
    }
    // The parts that it covers must all be its own elements, each in its place.
    Candidate result{tensor, face, position, {}, {}, {}};
    const Dim end = position + t.shape[host.axis];
    Dim covered = position;
    for (const Part& part : host.parts) {
      if (part.position != covered) continue;
      if (covered == end) break;
      if (part.writer < 0) return std::nullopt;
      const Place place = place_of(part.from, host.axis);
      if (place.host != face || part.position - place.position - part.from_position != position)
        return std::nullopt;
      result.copies.push_back(part.writer);
      covered += part.extent;
    }
    if (covered != end || result.copies.empty()) return std::nullopt;

    const std::set<int> all = users(tensor);
    int first_write = -1, last_write = -1;
    for (const int member : family(tensor)) {
      for (const int writer : uses_.writers(member)) {
        first_write = first_write < 0 ? writer : std::min(first_write, writer);
        last_write = std::max(last_write, writer);
      }
    }
    if (first_write < 0) return std::nullopt;
    for (const int copy : result.copies) {
      if (copy <= last_write || !known_at(host.tensor, first_write, copy)) return std::nullopt;
    }
    for (const int rewriter : host.rewriters) {
      if (rewriter <= *all.rbegin()) return std::nullopt;
    }
    return result;
  }

  // The host's place and size are the same at an earlier operation.
  bool known_at(int tensor, int earlier, int later) const {
    if (draft_.symbols.empty()) return true;
    std::set<std::string> names;
    for (int t = tensor; t >= 0; t = draft_.at(t).host) {
      ir::Shape dims = draft_.at(t).shape;
      dims.push_back(draft_.at(t).host_offset);
      for (const Dim& dim : dims) {
        for (const ir::SymbolRef& symbol : dim.symbols()) names.insert(symbol->name);
      }
    }
    return uses_.same_at({}, names, earlier - 1, later);
  }

  // The same elements under another shape.
  bool is_view(int t) const {
    const DraftTensor &tensor = draft_.at(t), &host = draft_.at(tensor.host);
    if (!tensor.host_offset.is(0) || ir::byte_size(tensor.type) != ir::byte_size(host.type)) return false;
    const std::optional<Layout> layout = reshaped(host.shape, host.layout, tensor.shape);
    return layout && same_strides(tensor.shape, tensor.layout, *layout);
  }

  // Gives a tensor, and the slices and views of it, another layout; false if something in it cannot have it.
  bool relayout(Candidate& candidate, int tensor, const Layout& layout) {
    DraftTensor& t = draft_.at(tensor);
    candidate.before.emplace_back(tensor, t);
    if (same_strides(t.shape, t.layout, layout)) return true;  // what lies in it stays as it is
    for (std::size_t d = 0; d < t.shape.size(); ++d) {
      // What reads and writes it walks along the dimension that was contiguous.
      if (!t.shape[d].is(1) && t.layout.strides[d].is(1) != layout.strides[d].is(1)) return false;
    }
    struct Inner {
      int tensor;
      int axis;  // -1: a view
      Dim position;
    };
    std::vector<Inner> inside;
    for (const int child : children_[static_cast<std::size_t>(tensor)]) {
      const int axis = slice_axis(child, 0);
      if (axis < 0) {
        if (!is_view(child)) return false;
        inside.push_back({child, -1, 0});
        continue;
      }
      const std::optional<Dim> position = position_in_host(child, static_cast<std::size_t>(axis));
      if (!position) return false;
      inside.push_back({child, axis, *position});
    }
    t.layout = layout;
    for (const Inner& inner : inside) {
      DraftTensor& child = draft_.at(inner.tensor);
      const std::optional<Layout> own = inner.axis < 0 ? reshaped(t.shape, layout, child.shape) : layout;
      if (!own || !relayout(candidate, inner.tensor, *own)) return false;
      if (inner.axis < 0) continue;
      child.host_offset = inner.position * layout.strides[static_cast<std::size_t>(inner.axis)] *
                          Dim(ir::byte_size(child.type));
    }
    return true;
  }

  void put_back(const Candidate& candidate) {
    for (const auto& [lodger, own_host] : candidate.lodgers)
      std::erase(children_[static_cast<std::size_t>(own_host)], lodger);
    for (auto it = candidate.before.rbegin(); it != candidate.before.rend(); ++it)
      draft_.at(it->first) = it->second;
  }

  bool move_in(Candidate& candidate, const Host& host) {
    const Layout& layout = draft_.at(host.tensor).layout;
    const std::optional<Layout> own =
        candidate.face == candidate.tensor
            ? layout
            : reshaped(draft_.at(candidate.face).shape, layout, draft_.at(candidate.tensor).shape);
    if (!own || !relayout(candidate, candidate.tensor, *own)) {
      put_back(candidate);
      return false;
    }
    DraftTensor& t = draft_.at(candidate.tensor);
    t.host = host.tensor;
    t.host_offset =
        candidate.position * draft_.at(host.tensor).layout.strides[host.axis] * Dim(ir::byte_size(t.type));
    return true;
  }

  // A residual that nobody needs after the operation that adds it lies where the result does: it is
  // overwritten there, element by element.
  void take_in_residuals(Candidate& candidate, const Host& host) {
    const std::vector<int> members = family(candidate.tensor);
    for (std::size_t m = 0; m < members.size(); ++m) {
      const int result = members[m];
      if (uses_.writers(result).size() != 1) continue;
      const int position = *uses_.writers(result).begin();
      const auto* convolution = at(position).as<ConvolutionOp>();
      if (convolution == nullptr) continue;
      for (std::size_t k = 0; k < convolution->epilogue_tensors.size(); ++k) {
        const int residual = convolution->epilogue_tensors[k];
        const DraftTensor &r = draft_.at(residual), &out = draft_.at(result);
        if (convolution->epilogue.operands[k].access != EpilogueOperand::Access::same || r.type != out.type ||
            r.shape != out.shape || same_strides(out.shape, r.layout, out.layout) || !may_move(residual) ||
            residual == draft_.root(host.tensor)) {
          continue;
        }
        const std::set<int> all = users(residual);
        const std::vector<int> reads = reads_of(at(position));
        const auto is_of_residual = [&](int t) { return t != residual && draft_.root(t) == residual; };
        if (*all.rbegin() != position || !known_at(host.tensor, *all.begin(), position) ||
            std::any_of(reads.begin(), reads.end(), is_of_residual) || convolution->x == residual ||
            std::count(convolution->epilogue_tensors.begin(), convolution->epilogue_tensors.end(),
                       residual) != 1) {
          continue;
        }
        Candidate moved;
        if (!relayout(moved, residual, out.layout)) {
          put_back(moved);
          continue;
        }
        draft_.at(residual).host = result;
        draft_.at(residual).host_offset = 0;
        children_[static_cast<std::size_t>(result)].push_back(residual);
        candidate.before.insert(candidate.before.end(), moved.before.begin(), moved.before.end());
        candidate.lodgers.emplace_back(residual, result);
        return take_in_residuals(candidate, host);  // whose own residual may follow
      }
    }
  }

  bool fits(const Candidate& candidate) {
    const std::set<int> positions = users(candidate.tensor);
    return std::all_of(positions.begin(), positions.end(), [&](int position) {
      const bool is_copy =
          std::find(candidate.copies.begin(), candidate.copies.end(), position) != candidate.copies.end();
      return is_copy || layouts_fit(draft_, at(position));
    });
  }

  void drop_copy(int position) {
    uses_.forget(at(position), position);
    dead_[static_cast<std::size_t>(position)] = true;
  }

  void fill(int tensor) {
    const std::optional<Host> found = host_of(tensor);
    if (!found) return;
    const Host& host = *found;
    std::vector<Candidate> candidates;
    for (const Part& part : host.parts) {
      if (part.writer < 0) continue;
      const Place place = place_of(part.from, host.axis);
      if (auto one = candidate(host, place.host, part.position - place.position - part.from_position);
          one && move_in(*one, host)) {
        candidates.push_back(std::move(*one));
      }
    }
    for (Candidate& candidate : candidates) take_in_residuals(candidate, host);
    // Tensors that one operation wants laid out alike stay behind together.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t k = 0; k < candidates.size(); ++k) {
        if (fits(candidates[k])) continue;
        put_back(candidates[k]);
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(k--));
        changed = true;
      }
    }
    for (const Candidate& candidate : candidates) {
      children_[static_cast<std::size_t>(host.tensor)].push_back(candidate.tensor);
      for (const int copy : candidate.copies) drop_copy(copy);
    }
    if (candidates.empty()) become_view(host);
  }

  // The host as a view of another one in which its parts lie side by side.
  void become_view(const Host& host) {
    if (!may_move(host.tensor) || host.parts.empty() || !host.rewriters.empty()) return;
    Place place;
    Dim covered = 0;
    for (const Part& part : host.parts) {
      if (part.writer < 0 || part.position != covered) return;
      Place source = place_of(part.from, host.axis);
      source.position += part.from_position - part.position;
      if (place.host >= 0 && (place.host != source.host || place.position != source.position)) return;
      place = source;
      covered += part.extent;
    }
    if (covered != draft_.at(host.tensor).shape[host.axis]) return;
    const DraftTensor& other = draft_.at(place.host);
    const DraftTensor& root = draft_.at(draft_.root(place.host));
    if (place.host == host.tensor || other.shape.size() != draft_.at(host.tensor).shape.size() ||
        root.carried || root.on_heap || root.allocated_by_op || !uses_.is_local(place.host)) {
      return;
    }
    // Nobody writes what it consists of while it is read.
    int first_copy = host.parts[0].writer, last_use = *users(host.tensor).rbegin();
    for (const Part& part : host.parts) first_copy = std::min(first_copy, part.writer);
    const auto is_written = [&](int t) {
      const auto writer = uses_.writers(t).lower_bound(first_copy);
      return writer != uses_.writers(t).end() && *writer <= last_use;
    };
    for (const int inner : family(place.host)) {
      if (!is_written(inner)) continue;
      const Place written = place_of(inner, host.axis);
      const bool apart =
          inner != place.host && written.host == place.host &&
          (ir::provably_less_equal(place.position + covered, written.position) ||
           ir::provably_less_equal(written.position + draft_.at(inner).shape[host.axis], place.position));
      if (!apart) return;
    }
    for (int t = place.host; t >= 0; t = draft_.at(t).host) {
      if (is_written(t)) return;
    }
    Candidate moved{host.tensor, host.tensor, place.position, {}, {}, {}};
    for (const Part& part : host.parts) moved.copies.push_back(part.writer);
    Host target{place.host, host.axis, {}, {}};
    if (!move_in(moved, target)) return;
    if (!fits(moved)) return put_back(moved);
    children_[static_cast<std::size_t>(place.host)].push_back(host.tensor);
    for (const int copy : moved.copies) drop_copy(copy);
  }

  Draft& draft_;
  Block& block_;
  BlockUses uses_;
  std::vector<bool> dead_;
  std::vector<std::vector<int>> children_;  // by host
};

}  // namespace

void place_parts(Draft& draft) {
  for_each_block(draft.block, [&](Block& block) { PartPlacement(draft, block).run(); });
  // Views that got storage of their own back may have a place now, and with them what is laid out alike.
  settle_views(draft);
  for_each_block(draft.block, [&](Block& block) { PartPlacement(draft, block).run(); });
  renew_transposes(draft);
}

}  // namespace o2w::schedule
