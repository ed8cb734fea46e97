/**
 * A reader of tar archives for comparisons, written apart from the product's so that a mistake of the one is not
 * repeated by the other. Whole archives in memory; ustar, pax and GNU long names; extended attributes are kept.
 * Source: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
 */

export interface TarMember {
  readonly name: string;
  readonly type: "file" | "link" | "symlink" | "char" | "block" | "dir" | "fifo";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
  readonly content: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

const TYPES = {
  "0": "file",
  "\0": "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
} as const;
const BLOCK_BYTES = 512;
const ATTRIBUTE = "SCHILY.xattr.";

export function tarMembers(archive: Buffer): TarMember[] {
  const members: TarMember[] = [];
  let pax: Record<string, string> = {};
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let at = 0; at + BLOCK_BYTES <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const sizeBytes = pax["size"] === undefined ? number(header, 124, 12) : Number(pax["size"]);
    const content = archive.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + sizeBytes);
    at += BLOCK_BYTES + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const flag = String.fromCharCode(header[156] ?? 0);
    if (flag === "x") pax = { ...pax, ...records(content) };
    else if (flag === "L") longName = text(content, 0, content.length);
    else if (flag === "K") longLink = text(content, 0, content.length);
    else if (flag in TYPES) {
      const prefix = text(header, 257, 5) === "ustar" && header[263] === 0x30 ? text(header, 345, 155) : "";
      const short = text(header, 0, 100);
      members.push({
        name: pax["path"] ?? longName ?? (prefix === "" ? short : `${prefix}/${short}`),
        type: TYPES[flag as keyof typeof TYPES],
        mode: number(header, 100, 8) & 0o7777,
        uid: Number(pax["uid"] ?? number(header, 108, 8)),
        gid: Number(pax["gid"] ?? number(header, 116, 8)),
        mtimeSeconds: Math.floor(Number(pax["mtime"] ?? number(header, 136, 12))),
        linkName: pax["linkpath"] ?? longLink ?? text(header, 157, 100),
        content: Buffer.from(content),
        attributes: Object.fromEntries(
          Object.entries(pax).flatMap(([key, value]) =>
            key.startsWith(ATTRIBUTE) ? [[key.slice(ATTRIBUTE.length), value]] : [],
          ),
        ),
      });
      pax = {};
      longName = undefined;
      longLink = undefined;
    } else if (flag !== "g") throw new Error(`unexpected type ${JSON.stringify(flag)} in a tar archive`);
  }
  return members;
}

function text(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

/** Octal, or GNU's base 256 for what does not fit. */
function number(bytes: Buffer, start: number, length: number): number {
  const field = bytes.subarray(start, start + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(-6).readUIntBE(0, 6);
  return Number.parseInt(text(bytes, start, length).trim() || "0", 8);
}

/** Records `<length> <key>=<value>\n`; the length counts bytes of the whole record. */
function records(content: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, blank));
    const record = content.subarray(blank + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    const value = record.subarray(equals + 1);
    const key = record.toString("utf8", 0, equals);
    found[key] = key.startsWith(ATTRIBUTE) ? value.toString("hex") : value.toString("utf8");
    at += length;
  }
  return found;
}
