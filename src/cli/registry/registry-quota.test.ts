import { expect, it } from "vitest";
import { byteSize, quotaOfEnvironment } from "./registry-quota.ts";

it.each([
  ["1000", 1000],
  ["500MB", 500_000_000],
  ["500 mb", 500_000_000],
  ["2k", 2000],
  ["20GiB", 20 * 2 ** 30],
  ["0", 0],
] as const)("reads %s", (text, bytes) => expect(byteSize(text)).toBe(bytes));

it.each(["", "-1", "1.5GB", "ten", "1XB", "999999999999TiB"])("refuses `%s`", (text) => {
  expect(() => byteSize(text)).toThrow(`\`${text}\` is not a size in bytes`);
});

it("takes the limits of the environment", () => {
  expect(quotaOfEnvironment({})).toEqual({});
  expect(quotaOfEnvironment({ KILN_REGISTRY_QUOTA: "1GB", KILN_REPOSITORY_QUOTA: "1MB" })).toEqual({
    registryQuota: { totalBytes: 1e9, repositoryBytes: 1e6 },
  });
});
