import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemIds, TestIds } from "../core/ids.ts";
import { accountOfAccessKeyId, newAccessKeyId } from "./access-key-id.ts";

describe("access key ids", () => {
  it("carry their account", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (account) => {
        const accountId = String(account).padStart(12, "0");
        for (const prefix of ["AKIA", "ASIA"] as const) {
          const id = newAccessKeyId(systemIds, prefix, accountId);
          expect(id).toMatch(/^(AKIA|ASIA)[A-Z2-7]{16}$/);
          expect(id.startsWith(prefix)).toBe(true);
          expect(accountOfAccessKeyId(id)).toBe(accountId);
        }
      }),
    );
  });

  it("are told apart by their random part", () => {
    const ids = new TestIds();
    const made = new Set(Array.from({ length: 50 }, () => newAccessKeyId(ids, "AKIA", "111122223333")));
    expect(made.size).toBe(50);
  });

  it.each([
    ["ASIAQNZGKIQY56JQ7WML", "029608264753"],
    ["AKIAQAAAAAAAAAAAAAAA", "000000000000"],
  ])("of AWS are read: %s", (id, account) => {
    expect(accountOfAccessKeyId(id)).toBe(account);
  });

  it.each(["AKIAIOSFODNN7EXAMPLE", "AKIA77777777777777777", "test", "111122223333", "AKIA7777777777777777"])(
    "of the old layout and other texts carry none: %s",
    (id) => {
      expect(accountOfAccessKeyId(id)).toBeUndefined();
    },
  );
});
