/**
 * All AWS managed policies, read from data/managed-policies.blocks: an index of every policy, and the documents of those
 * that are not in data/managed-policies.json in compressed blocks. Nothing is read before the first question; then the first
 * line, the index (about 30 kB, 1,600 rows), and for a document its one block, of which only that document is kept.
 * The file is written by scripts/generate-managed-policies.mjs, which says how it is laid out.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

/** What the index says about a policy. */
export interface ArchivedPolicy {
  readonly name: string;
  /** `/`, `/service-role/`, … */
  readonly path: string;
  readonly arn: string;
  readonly defaultVersionId: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Where its document is; undefined for the common ones of data/managed-policies.json. */
  readonly place: { readonly block: number; readonly line: number } | undefined;
}

/** name, path, number of the default version, created and updated in epoch seconds, block, line */
type IndexRow = readonly [string, string, number, number, number, number, number];

interface Layout {
  /** Offset and size of the index, then of each block. */
  readonly parts: readonly { readonly start: number; readonly size: number }[];
}

const ARCHIVE = new URL("../../data/managed-policies.blocks", import.meta.url);

let layout: Layout | undefined;
let index: ReadonlyMap<string, ArchivedPolicy> | undefined;

/** Every AWS managed policy by ARN, in name order. */
export function archivedPolicies(): ReadonlyMap<string, ArchivedPolicy> {
  index ??= new Map((JSON.parse(textOf(0)) as IndexRow[]).map((row) => [arnOf(row), policyOf(row)]));
  return index;
}

/** The text of the document of a policy that has a place in the archive, without white space. */
export function archivedDocument({ block, line }: NonNullable<ArchivedPolicy["place"]>): string {
  const document = textOf(block + 1).split("\n", line + 1)[line];
  // invariant: index and blocks are written together.
  if (document === undefined) throw new Error(`no line ${line} in block ${block} of ${ARCHIVE.pathname}`);
  return document;
}

const arnOf = ([name, path]: IndexRow): string => `arn:aws:iam::aws:policy${path}${name}`;

function policyOf(row: IndexRow): ArchivedPolicy {
  const [name, path, version, created, updated, block, line] = row;
  return {
    name,
    path,
    arn: arnOf(row),
    defaultVersionId: `v${version}`,
    createdMs: created * 1000,
    updatedMs: updated * 1000,
    place: block < 0 ? undefined : { block, line },
  };
}

function textOf(part: number): string {
  layout ??= readLayout();
  const { start, size } = layout.parts[part] ?? { start: 0, size: 0 };
  return brotliDecompressSync(bytesAt(start, size)).toString("utf8");
}

function bytesAt(start: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const file = openSync(ARCHIVE, "r");
  try {
    readSync(file, bytes, 0, size, start);
  } finally {
    closeSync(file);
  }
  return bytes;
}

/** Longer than the first line: names of columns and a number a block. */
const MOST_OF_FIRST_LINE = 4_096;

function readLayout(): Layout {
  const bytes = bytesAt(0, MOST_OF_FIRST_LINE);
  const end = bytes.indexOf("\n");
  const { sizes } = JSON.parse(bytes.subarray(0, end).toString("utf8")) as { readonly sizes: readonly number[] };
  let start = end + 1;
  return {
    parts: sizes.map((size) => {
      const part = { start, size };
      start += size;
      return part;
    }),
  };
}
