import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { DAY_MS } from "../../core/clock.ts";
import { kms } from "../kms/index.ts";
import { pageToken } from "../page-token.ts";
import { secretsmanager } from "./index.ts";

let services: ServicesFixture;
beforeEach(async () => {
  services = await openServices([secretsmanager, kms]);
});
afterEach(() => services.close());

type Listed = { readonly SecretList: readonly { readonly Name: string }[]; readonly NextToken?: string };
const token = (n: number): string => `token-${n}-`.padEnd(32, "0");
const call = <O = Record<string, unknown>>(operation: string, input: object = {}): Promise<O> =>
  services.root.call<O>("secretsmanager", operation, input);
const create = (Name: string) =>
  call("CreateSecret", { Name, SecretString: "x", ClientRequestToken: token(1), Tags: [{ Key: "n", Value: Name }] });
const remove = (SecretId: string) => call("DeleteSecret", { SecretId, ForceDeleteWithoutRecovery: true });

/** All pages, and what happens between them. */
async function pages(input: object, between?: (page: Listed) => Promise<unknown>): Promise<string[][]> {
  const all: string[][] = [];
  let NextToken: string | undefined;
  do {
    const page = await call<Listed>("ListSecrets", { ...input, NextToken });
    all.push(page.SecretList.map(({ Name }) => Name));
    NextToken = page.NextToken;
    await between?.(page);
  } while (NextToken !== undefined);
  return all;
}

describe("pages of ListSecrets", () => {
  beforeEach(async () => {
    for (const name of ["e", "d", "c", "b", "a"]) {
      await create(name);
      services.clock.advance(DAY_MS);
    }
    for (const SecretId of ["c", "a", "e"]) {
      await call("GetSecretValue", { SecretId });
      services.clock.advance(DAY_MS);
      await call("UpdateSecret", { SecretId, Description: "d", ClientRequestToken: token(2) });
    }
  });

  it.each([
    [{}, [["e", "d"], ["c", "b"], ["a"]]],
    [{ SortOrder: "desc" }, [["a", "b"], ["c", "d"], ["e"]]],
    [{ SortBy: "name" }, [["a", "b"], ["c", "d"], ["e"]]],
    [{ SortBy: "name", SortOrder: "desc" }, [["e", "d"], ["c", "b"], ["a"]]],
    [{ SortBy: "last-changed-date" }, [["d", "b"], ["c", "a"], ["e"]]],
    [{ SortBy: "last-changed-date", SortOrder: "desc" }, [["e", "a"], ["c", "b"], ["d"]]],
    [{ SortBy: "last-accessed-date" }, [["b", "d"], ["c", "a"], ["e"]]],
    [
      { Filters: [{ Key: "name", Values: ["!c"] }] },
      [
        ["e", "d"],
        ["b", "a"],
      ],
    ],
    [{ MaxResults: 5 }, [["e", "d", "c", "b", "a"]]],
  ])("with %j are in order and have no token at the end", async (input, expected) => {
    expect(await pages({ MaxResults: 2, ...input })).toEqual(expected);
  });

  it.each(["created-date", "last-changed-date"])("by %s go on where a secret is gone", async (SortBy) => {
    const listed = await pages({ SortBy, MaxResults: 2 }, ({ SecretList }) => remove(SecretList.at(-1)?.Name ?? ""));
    expect(listed.flat().toSorted()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("have tokens that say nothing to another operation, and none that was made up", async () => {
    const { NextToken = "" } = await call<Listed>("ListSecrets", { MaxResults: 1 });
    const invalid = "InvalidNextTokenException: The NextToken value is invalid.";
    expect(await failureOf(call("ListSecretVersionIds", { SecretId: "a", NextToken }))).toBe(invalid);
    for (const text of ["x", NextToken.slice(0, -8), pageToken("secrets", 1)]) {
      expect(await failureOf(call("ListSecrets", { NextToken: text }))).toBe(invalid);
    }
  });
});

describe("pages of others", () => {
  it("of versions are oldest first", async () => {
    await create("db");
    for (let n = 2; n <= 12; n++) {
      await call("PutSecretValue", { SecretId: "db", SecretString: `${n}`, ClientRequestToken: token(n) });
    }
    const ids: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await call<{ Versions: { VersionId: string }[]; NextToken?: string }>("ListSecretVersionIds", {
        ...{ SecretId: "db", MaxResults: 5, IncludeDeprecated: true, NextToken },
      });
      ids.push(...page.Versions.map(({ VersionId }) => VersionId));
      NextToken = page.NextToken;
    } while (NextToken);
    expect(ids).toEqual(Array.from({ length: 12 }, (_, n) => token(n + 1)));
  });

  it("of a batch hold twenty secrets", async () => {
    for (let n = 0; n < 21; n++) await create(`app/${n}`);
    await call("DeleteSecret", { SecretId: "app/20" });
    type Batch = { SecretValues: object[]; Errors: object[]; NextToken?: string };
    const Filters = [{ Key: "tag-key", Values: ["n"] }];
    const all = await call<Batch>("BatchGetSecretValue", { Filters });
    expect(all).toMatchObject({ Errors: [] });
    expect(all.SecretValues).toHaveLength(20);
    expect(all).not.toHaveProperty("NextToken");
    const { NextToken } = await call<Batch>("BatchGetSecretValue", { Filters, MaxResults: 15 });
    expect((await call<Batch>("BatchGetSecretValue", { Filters, NextToken })).SecretValues).toHaveLength(5);
    expect(await call("BatchGetSecretValue", { SecretIdList: ["app/20"] })).toEqual({
      SecretValues: [],
      Errors: [
        {
          SecretId: "app/20",
          ErrorCode: "InvalidRequestException",
          Message: "You can't perform this operation on the secret because it was marked for deletion.",
        },
      ],
    });
  });
});

describe("ten thousand secrets", () => {
  it("are listed without reading all of them for each page", async () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `app/${n}`);
    for (let n = 0; n < names.length; n += 500) await Promise.all(names.slice(n, n + 500).map(create));
    const listed = await pages({});
    expect(listed).toHaveLength(100);
    expect(new Set(listed.flat()).size).toBe(10_000);
  });
});
