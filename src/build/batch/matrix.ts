/** Builds that are not written one by one: the product of a matrix, the parts of a fan-out, and their identifiers. */
import type { BatchKind } from "../buildspec/index.ts";

/**
 * The identifier of the n-th build (from 1) of a matrix or fan-out: `build_matrix_1`, `build_fanout_3`. AWS's form is
 * not published; this is the one place that knows ours.
 */
export const generatedIdentifier = (kind: Extract<BatchKind, "build-matrix" | "build-fanout">, n: number): string =>
  `${kind.replace("-", "_")}_${n}`;

/** How many builds a matrix has, without making them. */
export const productSize = (dimensions: readonly { readonly values: readonly unknown[] }[]): number =>
  dimensions.reduce((size, { values }) => size * values.length, 1);

/** One value of each dimension, in every combination; the last dimension counts fastest. */
export function product<D extends { readonly values: readonly V[] }, V>(
  dimensions: readonly D[],
): readonly (readonly { readonly dimension: D; readonly value: V }[])[] {
  let combinations: { readonly dimension: D; readonly value: V }[][] = [[]];
  for (const dimension of dimensions) {
    combinations = combinations.flatMap((before) => dimension.values.map((value) => [...before, { dimension, value }]));
  }
  return combinations;
}
