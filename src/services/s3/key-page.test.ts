import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TestIds } from "../../core/ids.ts";
import { openStore, type Store } from "../../store/index.ts";
import { pageOfKeys } from "./key-page.ts";
import { recordKey } from "./records.ts";

let store: Store;

beforeEach(async () => {
  store = await openStore({ ids: new TestIds() });
});

afterEach(() => store.close());

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const anyKey = fc
  .array(
    fc.constantFrom("a", "b", "/", "-", "\u0000", "\u0001", "\u0002", "ä", "\ud7ff", "\ue000", "\uffff", "\u{10ffff}"),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((characters) => characters.join(""));

/** What a listing is, without cursors and pages. */
function expected(keys: readonly string[], prefix: string, delimiter: string | undefined): string[] {
  const entries = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 || delimiter === undefined ? `key ${key}` : `prefix ${key.slice(0, at + delimiter.length)}`;
    });
  return [...new Set(entries)].sort((a, b) => bytewise(a.replace(/^\w+ /, ""), b.replace(/^\w+ /, "")));
}

it("lists every key or prefix once, in byte order, whatever the size of a page", async () => {
  let bucket = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyKey, { maxLength: 12 }),
      fc.constantFrom("", "a", "a/", "\u0001", "\u{10ffff}"),
      fc.constantFrom(undefined, "/", "-", "a", "\u{10ffff}"),
      fc.integer({ min: 1, max: 4 }),
      async (keys, prefix, delimiter, limit) => {
        const name = `bucket-${++bucket}`;
        const records = store.collection<{ key: string }>("keys");
        await store.write(() => {
          for (const key of keys) records.put(recordKey(name, key), { key });
        });
        const seen: string[] = [];
        for (let after: string | undefined, isMore = true; isMore; ) {
          const page = pageOfKeys(records, name, { prefix, delimiter, after, limit, accept: (record) => [record.key] });
          expect(page.items.length + page.prefixes.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items.map((key) => `key ${key}`), ...page.prefixes.map((one) => `prefix ${one}`));
          after = page.next;
          isMore = after !== undefined;
        }
        expect(seen.sort()).toEqual(expected(keys, prefix, delimiter).sort());
      },
    ),
    { numRuns: 300 },
  );
});

it("is complete when nothing is asked for", () => {
  const records = store.collection<{ key: string }>("keys");
  const query = { prefix: "", delimiter: undefined, after: undefined, limit: 0, accept: () => [1] };
  expect(pageOfKeys(records, "b", query)).toEqual({ items: [], prefixes: [], next: undefined });
});
