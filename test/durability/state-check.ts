/** What must be true of a state folder that no process uses: a whole database, and blobs that are what their names say. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadSqliteDriver } from "../../src/store/sqlite-driver.ts";

/** Empty when all is well. */
export async function faultsOf(stateDir: string): Promise<string[]> {
  const database = (await loadSqliteDriver())(join(stateDir, "kiln.db"));
  const faults: string[] = [];
  try {
    const rows = database.prepare("PRAGMA integrity_check").all() as { integrity_check: string }[];
    faults.push(...rows.map((row) => row.integrity_check).filter((text) => text !== "ok"));
  } finally {
    database.close();
  }
  for (const algorithm of ["sha256", "sha512"]) {
    const folder = join(stateDir, "blobs", algorithm);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const hex = name.split("/")[1];
      if (hex === undefined) continue;
      const found = createHash(algorithm)
        .update(readFileSync(join(folder, name)))
        .digest("hex");
      if (found !== hex) faults.push(`the blob ${hex} is ${found}`);
    }
  }
  return faults;
}
