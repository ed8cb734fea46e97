/**
 * Zip files without compression, byte for byte the same for the same contents: what wheels need.
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT . Gap: no zip64, so 4 GiB at most.
 */
import { crc32 } from "node:zlib";

/** DOS date of 1980-01-01, the earliest a zip can say. */
const DOS_DATE = 0x21;
const UTF8_NAMES = 0x800;
const REGULAR_FILE_MODE = 0o100644;

export function zipStored(files: readonly (readonly [path: string, bytes: Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, bytes] of files) {
    const name = Buffer.from(path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(UTF8_NAMES, 2);
    common.writeUInt16LE(DOS_DATE, 8);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), common, name, bytes);
    const entry = Buffer.alloc(46);
    entry.write("PK\x01\x02", 0, "latin1");
    entry.writeUInt16LE((3 << 8) | 20, 4);
    common.copy(entry, 6);
    entry.writeUInt32LE(REGULAR_FILE_MODE * 0x10000, 38);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, name);
    offset += 4 + common.length + name.length + bytes.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}
