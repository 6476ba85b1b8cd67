// Counting n-grams (TfIdfVectorizer): a tree of tokens, each known by a number, laid out by the compiler.
// Shared by the runtime library and the compiler's evaluator.
#pragma once

#include <stdint.h>

namespace o2w {

// Node 0 is the root. The edges of a node are sorted by token.
struct NgramNode {
  int32_t first_edge, edge_count;
  int32_t column;  // of the counts, where an n-gram of the pool ends; else -1
};
struct NgramEdge {
  int32_t token, node;
};
static_assert(sizeof(NgramNode) == 12 && sizeof(NgramEdge) == 8);

// The node that `token` leads to, or -1.
inline int32_t next_node(const NgramNode* nodes, const NgramEdge* edges, int32_t node, int64_t token) {
  int32_t low = nodes[node].first_edge, high = low + nodes[node].edge_count;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (edges[middle].token == token) return edges[middle].node;
    if (edges[middle].token < token) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return -1;
}

// Adds what a row of tokens (negative: not in the pool) holds to `counts`: n-grams of consecutive tokens, and
// of tokens that are up to `most_skipped` + 1 apart. A single token has no distances: it counts once.
inline void count_ngrams(const NgramNode* nodes, const NgramEdge* edges, const int64_t* tokens,
                         uint64_t count, int64_t least_length, int64_t most_length, int64_t most_skipped,
                         float* counts) {
  for (int64_t distance = 1; distance <= most_skipped + 1; ++distance) {
    for (uint64_t start = 0; start < count; ++start) {
      int32_t node = 0;
      uint64_t at = start;
      for (int64_t length = 1; length <= most_length && at < count; ++length) {
        node = tokens[at] < 0 ? -1 : next_node(nodes, edges, node, tokens[at]);
        if (node < 0) break;
        const bool counts_here = length >= least_length && (length > 1 || distance == 1);
        if (counts_here && nodes[node].column >= 0) counts[nodes[node].column] += 1;
        if (static_cast<uint64_t>(distance) >= count - at) break;
        at += static_cast<uint64_t>(distance);
      }
    }
  }
}

}  // namespace o2w
