#include "compiler/schedule/kernel_alternatives.h"

#include <gtest/gtest.h>

namespace o2w::schedule {
namespace {

Conv2d convolution(int64_t channels, int64_t columns, int64_t size, int64_t window = 3) {
  Conv2d kernel;
  kernel.n = 1;
  kernel.h = kernel.w = kernel.oh = kernel.ow = size;
  kernel.c = channels;
  kernel.m = columns;
  kernel.kh = kernel.kw = window;
  return kernel;
}

Matmul product(int64_t rows, int64_t columns, int64_t depth) {
  Matmul kernel;
  kernel.m = rows;
  kernel.n = columns;
  kernel.k = depth;
  return kernel;
}

std::string chosen(Conv2d kernel, const KernelChoices& choices = {}, bool exact = false) {
  choose_algorithm(kernel, choices, exact);
  return algorithm_of(kernel);
}
std::string chosen(Matmul kernel, const KernelChoices& choices = {}) {
  choose_algorithm(kernel, choices);
  return algorithm_of(kernel);
}

TEST(KernelAlternatives, SitesTellAllThatTimesDependOn) {
  EXPECT_EQ(site_of(convolution(64, 32, 40)),
            "conv2d 1x40x40x64 to 40x40x32 window 3x3 stride 1x1 dilation 1x1 groups 1");
  EXPECT_EQ(site_of(product(128, 384, 1536)), "matmul 128x384x1536");
  Conv2d winograd = convolution(64, 32, 40);
  winograd.algorithm = Conv2d::Algorithm::winograd;
  EXPECT_EQ(site_of(winograd), site_of(convolution(64, 32, 40)));
}

TEST(KernelAlternatives, WhatCanBeComputedInOneWayHasNoSite) {
  EXPECT_EQ(site_of(convolution(64, 32, 40, 7)), "");
  EXPECT_EQ(site_of(Transpose2d{}), "");
  Matmul unpacked = product(128, 384, 1536);
  unpacked.rhs = Matmul::Rhs::rows;
  EXPECT_EQ(site_of(unpacked), "matmul 128x384x1536 of rows");
  unpacked.factors = Factors::i16;
  EXPECT_EQ(site_of(unpacked), "");
}

TEST(KernelAlternatives, TheCostModelTakesWinogradForManyChannels) {
  EXPECT_EQ(chosen(convolution(64, 64, 40)), "winograd_4x4");
  EXPECT_EQ(chosen(convolution(256, 256, 20)), "winograd_4x4");
  EXPECT_EQ(chosen(convolution(8, 64, 1)), "windows") << "one pixel of a tile's sixteen";
  EXPECT_EQ(chosen(convolution(64, 64, 40, 5)), "winograd_2x2");
  EXPECT_EQ(chosen(convolution(64, 64, 40, 7)), "windows");
}

TEST(KernelAlternatives, ExactMeansTheSumsAsDefined) {
  EXPECT_EQ(chosen(convolution(64, 64, 40), {}, true), "windows");
}

TEST(KernelAlternatives, DynamicSizesCountAsTypicalOnes) {
  const auto symbol = std::make_shared<ir::Symbol>(ir::Symbol{"h", 1, 4096, true});
  Conv2d kernel = convolution(64, 64, 40);
  kernel.h = kernel.oh = ir::Dim::symbol(symbol);
  EXPECT_EQ(chosen(kernel), "winograd_4x4");
}

TEST(KernelAlternatives, RowsArePackedForManyColumnsAndForVeryFew) {
  EXPECT_EQ(chosen(product(400, 256, 128)), "packed");
  EXPECT_EQ(chosen(product(6400, 16, 16)), "direct");
  EXPECT_EQ(chosen(product(6400, 3, 16)), "packed") << "the kernel for few columns reads packed rows";
  EXPECT_EQ(chosen(product(1, 3, 16)), "direct");
}

TEST(KernelAlternatives, ContiguousColumnsArePackedForManyRows) {
  Matmul kernel = product(1500, 1500, 64);
  kernel.rhs = Matmul::Rhs::columns;
  EXPECT_EQ(chosen(kernel), "packed");
  kernel.m = 4;
  EXPECT_EQ(chosen(kernel), "direct");
}

TEST(KernelAlternatives, ChoicesGoBeforeTheCostModel) {
  const Conv2d kernel = convolution(64, 64, 40);
  EXPECT_EQ(chosen(kernel, {{site_of(kernel), "windows"}}), "windows");
  EXPECT_EQ(chosen(kernel, {{"*", "windows"}}), "windows");
  EXPECT_EQ(chosen(kernel, {{site_of(kernel), "winograd_4x4"}, {"*", "windows"}}), "winograd_4x4");
  EXPECT_EQ(chosen(kernel, {{"*", "packed"}}), "winograd_4x4") << "a name that the site does not have";
}

}  // namespace
}  // namespace o2w::schedule
