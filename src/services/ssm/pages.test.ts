import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import type { Collection } from "../../store/store.ts";
import { ssm } from "./index.ts";
import { type ParameterRecord, parametersIn } from "./records.ts";

interface Answer {
  readonly Parameters: readonly { readonly Name: string }[];
  readonly NextToken?: string;
}

let services: ServicesFixture;
const call = (operation: string, input: object): Promise<Answer> => services.root.call<Answer>("ssm", operation, input);

beforeEach(async () => {
  services = await openServices([ssm]);
});
afterEach(() => services.close());

/** Straight into the store: what is tested is reading. */
async function fill(names: readonly string[], of: (name: string) => Partial<ParameterRecord> = () => ({})) {
  const latest = {
    ...({ version: 1, type: "String", value: "v", tier: "Standard", dataType: "text" } as const),
    ...{ lastModifiedMs: 0, lastModifiedUser: "arn:aws:iam::000000000000:root" },
  };
  await services.store.write(() => {
    for (const name of names) {
      const key = ["000000000000", "us-east-1", ...name.split("/").filter(Boolean)];
      parametersIn(services.store).put(key, { name, latest, oldestVersion: 1, labels: {}, tags: {}, ...of(name) });
    }
  });
}

async function allOf(operation: string, input: object, pageSize?: number): Promise<{ names: string[]; pages: number }> {
  const names: string[] = [];
  let token: string | undefined;
  let pages = 0;
  do {
    const page = await call(operation, {
      ...input,
      ...(pageSize !== undefined && { MaxResults: pageSize }),
      ...(token !== undefined && { NextToken: token }),
    });
    names.push(...page.Parameters.map((parameter) => parameter.Name));
    token = page.NextToken;
    pages += 1;
  } while (token !== undefined);
  return { names, pages };
}

/** How many records the store reads while `run` runs. */
async function readsOf(run: () => Promise<unknown>): Promise<number> {
  const parameters = parametersIn(services.store);
  const list = parameters.list;
  let reads = 0;
  const counted: Pick<Collection<ParameterRecord>, "list"> = {
    list(...args) {
      const entries = list(...args);
      reads += entries.length;
      return entries;
    },
  };
  Object.assign(parameters, counted);
  await run();
  Object.assign(parameters, { list });
  return reads;
}

const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(5, "0")}`);

describe("pages", () => {
  it("have no gaps and nothing twice, and the last one has no token", async () => {
    await fill(many("/a/", 100));
    expect(await allOf("DescribeParameters", {}, 50)).toEqual({ names: many("/a/", 100), pages: 2 });
    expect(await allOf("DescribeParameters", {})).toMatchObject({ pages: 10 });
    expect(await allOf("GetParametersByPath", { Path: "/a" })).toEqual({ names: many("/a/", 100), pages: 10 });
  });

  it("are not moved by what is put or deleted between them", async () => {
    await fill(many("/a/", 6));
    const first = await call("DescribeParameters", { MaxResults: 3 });
    await services.root.call("ssm", "DeleteParameters", { Names: ["/a/00000", "/a/00002"] });
    await fill(["/a/000000"]);
    const second = await call("DescribeParameters", { MaxResults: 3, NextToken: first.NextToken });
    expect(second.Parameters.map((parameter) => parameter.Name)).toEqual(many("/a/", 6).slice(3));
  });

  it("of 10,000 parameters read no more than they need", async () => {
    await fill(many("/a/", 5000));
    await fill(many("/b/deep/", 5000), (name) => (name.endsWith("777") ? { tags: { lucky: "yes" } } : {}));
    expect(await readsOf(() => call("DescribeParameters", { MaxResults: 10 }))).toBeLessThan(50);
    expect(await readsOf(() => call("GetParametersByPath", { Path: "/", Recursive: true }))).toBeLessThan(50);
    expect(await readsOf(() => call("GetParametersByPath", { Path: "/" }))).toBeLessThan(50);
    const named = (Option: string, value: string) => ({ ParameterFilters: [{ Key: "Name", Option, Values: [value] }] });
    expect(await readsOf(() => call("DescribeParameters", named("Equals", "/b/deep/04999")))).toBe(0);
    expect(await readsOf(() => call("DescribeParameters", named("BeginsWith", "/b/deep/0")))).toBeLessThan(50);
    const tagged = { ParameterFilters: [{ Key: "tag:lucky", Values: ["yes"] }] };
    let found: string[] = [];
    const reads = await readsOf(async () => {
      found = (await allOf("DescribeParameters", tagged, 2)).names;
    });
    expect(found).toEqual(["777", "1777", "2777", "3777", "4777"].map((n) => `/b/deep/${n.padStart(5, "0")}`));
    expect(reads).toBeLessThan(25_000);
  });

  it("of one level skip what is deeper", async () => {
    await fill([...many("/a/x/", 30), ...many("/b/y/", 30), "/a", "/b/leaf", "/a-b", "/c", "d"]);
    expect((await allOf("GetParametersByPath", { Path: "/" })).names).toEqual(["/a", "/a-b", "/c", "d"]);
    expect((await allOf("GetParametersByPath", { Path: "/b" })).names).toEqual(["/b/leaf"]);
    expect((await allOf("GetParametersByPath", { Path: "/", Recursive: true }, 7)).names).toHaveLength(65);
  });
});

describe("a token", () => {
  it.each([
    "x",
    "1",
    "AAAA",
    Buffer.from('["describe"]').toString("base64url"),
    Buffer.from("[1]").toString("base64url"),
  ])("that is none is refused: %s", async (NextToken) => {
    for (const [operation, input] of [
      ["DescribeParameters", {}],
      ["GetParametersByPath", { Path: "/" }],
    ] as const) {
      expect(await failureOf(call(operation, { ...input, NextToken }))).toBe(
        "InvalidNextToken: The specified token isn't valid.",
      );
    }
  });

  it.each(["", " "])("that is blank asks for the first page: `%s`", async (NextToken) => {
    await fill(many("/a/", 12));
    for (const [operation, input] of [
      ["DescribeParameters", {}],
      ["GetParametersByPath", { Path: "/a" }],
    ] as const) {
      expect(await call(operation, { ...input, NextToken })).toEqual(await call(operation, input));
    }
  });

  it("of another operation is refused, and tells nothing of the place", async () => {
    await fill(many("/a/", 20));
    const { NextToken } = await call("DescribeParameters", {});
    expect(NextToken).toMatch(/^[\w-]+$/);
    expect(await failureOf(call("GetParametersByPath", { Path: "/", NextToken }))).toMatch(/^InvalidNextToken/);
  });
});
