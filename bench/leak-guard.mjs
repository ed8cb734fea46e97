/**
 * What looking for leaks costs on an image of 500 MB: its layers read, unpacked and searched for the secrets of a usual
 * build, against only reading and unpacking them, in turn; then the search alone against `Buffer.indexOf` a pattern.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { TAR_END, tarHeader, tarPadding } from "../dist/images/tar.js";
import { ContentSearch } from "../dist/leak-guard/content-search.js";
import { searchedSecrets } from "../dist/leak-guard/find-leaks.js";
import { median, row } from "./report.mjs";

const MEGABYTE = 1024 * 1024;
const LAYERS = 5;

export async function run({ smoke }) {
  const layerBytes = (smoke ? 2 : 100) * MEGABYTE;
  const rounds = smoke ? 1 : 5;
  const { patterns, count } = searchedSecrets(secrets());
  row("secrets, their forms", `${count}, ${patterns.size}`);
  const dir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  try {
    for (const kind of ["tar", "tar.gz"]) {
      const layers = [];
      let bytes = 0;
      for (let index = 0; index < LAYERS; index++) {
        const file = join(dir, `layer-${index}.${kind}`);
        const packed = kind === "tar.gz" ? [createGzip({ level: 6 })] : [];
        await pipeline(Readable.from(layer(layerBytes, index)), ...packed, createWriteStream(file));
        layers.push(file);
      }
      const times = { plain: [], searched: [] };
      const cpu = { plain: [], searched: [] };
      let before = process.memoryUsage().rss;
      let most = 0;
      for (let round = 0; round < rounds; round++) {
        for (const side of round % 2 === 0 ? ["plain", "searched"] : ["searched", "plain"]) {
          if (side === "searched") before = process.memoryUsage().rss;
          const startedMs = performance.now();
          const used = process.cpuUsage();
          bytes = 0;
          for (const file of layers) bytes += side === "plain" ? await unpacked(file) : await searched(file, patterns);
          times[side].push(performance.now() - startedMs);
          const { user, system } = process.cpuUsage(used);
          cpu[side].push((user + system) / 1000);
          if (side === "searched") most = Math.max(most, process.memoryUsage().rss - before);
        }
      }
      const ratio = ({ plain, searched: found }) => (median(found) / median(plain)).toFixed(2);
      row(
        `${Math.round(bytes / MEGABYTE)} MB in ${LAYERS} layers, ${kind}`,
        `${median(times.searched).toFixed(0)} ms`,
        `read${kind === "tar" ? "" : " and unpacked"} only ${median(times.plain).toFixed(0)} ms: ${ratio(times)} x as long`,
      );
      row(
        "  processor time",
        `${median(cpu.searched).toFixed(0)} ms`,
        `read only ${median(cpu.plain).toFixed(0)} ms: ${ratio(cpu)} x; ${Math.max(0, most / MEGABYTE).toFixed(0)} MB more memory`,
      );
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  searchAlone(patterns, (smoke ? 2 : 50) * MEGABYTE, rounds);
}

/** The search over bytes in memory, and what it spares. */
function searchAlone(patterns, length, rounds) {
  const bytes = Buffer.concat(Array.from({ length: length / MEGABYTE }, (_, index) => content(MEGABYTE, index)));
  const texts = patternsOf();
  const times = { own: [], indexOf: [] };
  const timed = (list, body) => {
    const used = process.cpuUsage();
    body();
    list.push(process.cpuUsage(used).user / 1000);
  };
  for (let round = 0; round < rounds; round++) {
    timed(times.own, () => patterns.hitsIn(bytes));
    timed(times.indexOf, () => texts.map((text) => bytes.indexOf(text)));
  }
  const speed = (list) => length / MEGABYTE / (median(list) / 1000);
  row(
    "the search alone, a second of processor time",
    `${speed(times.own).toFixed(0)} MB`,
    `\`Buffer.indexOf\`, ${texts.length} patterns: ${speed(times.indexOf).toFixed(0)} MB`,
  );
}

async function unpacked(file) {
  let bytes = 0;
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  const chunks = file.endsWith(".gz") ? source.pipe(createGunzip({ chunkSize: 256 * 1024 })) : source;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}

async function searched(file, patterns) {
  const search = new ContentSearch({
    patterns,
    signal: new AbortController().signal,
    onHit: ({ path }) => {
      throw new Error(`found by chance in ${path}`);
    },
    onSkipped: (path, reason) => {
      throw new Error(`${path}: ${reason}`);
    },
  });
  await search.tar("layer", createReadStream(file, { highWaterMark: 256 * 1024 }));
  return search.bytes;
}

/** A tar of files from 1 KB to 4 MB, most of them small, as a tree of programs has them. */
async function* layer(bytes, seed) {
  let left = bytes;
  for (let index = 0; left > 0; index++) {
    const sizeBytes = Math.min(
      left,
      index % 50 === 0 ? 4 * MEGABYTE : index % 7 === 0 ? 200_000 : 1000 + (index % 90) * 300,
    );
    const entry = {
      name: `app/part-${index % 40}/file-${index}`,
      type: "file",
      sizeBytes,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      linkName: "",
    };
    yield tarHeader(entry);
    yield content(sizeBytes, seed * 1000 + index);
    yield tarPadding(sizeBytes);
    left -= sizeBytes;
  }
  yield TAR_END;
}

const WORDS =
  "export const function return import from await module exports true false null this length value index".split(" ");

/** Half text, half what looks like machine code: about what programs compress to. */
function content(bytes, seed) {
  const block = Buffer.alloc(Math.min(bytes, 65_536));
  let state = (seed + 1) * 2_654_435_761;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
  const half = block.length >> 1;
  for (let at = 0; at < half; )
    at += block.write(`${WORDS[next() % WORDS.length]}${next() % 8 === 0 ? ";\n" : " "}`, at);
  for (let at = half; at + 4 <= block.length; at += 4) block.writeUInt32LE(next() % 3 === 0 ? next() : 0x24448b48, at);
  return bytes <= block.length
    ? block.subarray(0, bytes)
    : Buffer.concat(Array.from({ length: Math.ceil(bytes / block.length) }, () => block)).subarray(0, bytes);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const random = (length, seed) =>
  Array.from(
    { length },
    (_, index) => ALPHABET[(Math.imul(seed + index * 31 + 7, 2_654_435_761) >>> 16) % ALPHABET.length],
  ).join("");

/** Ten of a store, one of them short, and the credentials of the role's session. */
function secrets() {
  const key = `-----BEGIN KEY-----\n${Array.from({ length: 26 }, (_, line) => random(64, line * 97)).join("\n")}\n-----END KEY-----\n`;
  const values = [9, 12, 16, 20, 24, 32, 40, 40, 64].map((length, index) => `${random(length - 2, index * 131)}/+`);
  return [
    ...[...values, key].map((value, index) => ({
      origin: { kind: "parameter", name: `/app/${index}/password`, type: "SecureString" },
      value,
      variables: [],
    })),
    { origin: { kind: "credentials", part: "secret access key", roleName: "r" }, value: random(40, 1), variables: [] },
    { origin: { kind: "credentials", part: "session token", roleName: "r" }, value: random(700, 2), variables: [] },
  ];
}

/** As many patterns, as a search by `indexOf` would have them. */
const patternsOf = () =>
  secrets().flatMap(({ value }) => [
    value,
    Buffer.from(value).toString("base64"),
    encodeURIComponent(value),
    Buffer.from(value).toString("hex"),
    JSON.stringify(value),
  ]);
