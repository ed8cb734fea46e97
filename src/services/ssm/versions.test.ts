import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { ssm } from "./index.ts";
import { parametersIn, versionsIn } from "./records.ts";

let services: ServicesFixture;
const call = <O = object>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("ssm", operation, input);
const put = (Name: string, Value: string): Promise<object> =>
  call("PutParameter", { Name, Value, Type: "String", Overwrite: true });

async function historyOf(Name: string): Promise<string[]> {
  const versions: string[] = [];
  for (let NextToken: string | undefined, isFirst = true; isFirst || NextToken !== undefined; isFirst = false) {
    const input = { Name, MaxResults: 7, ...(NextToken !== undefined && { NextToken }) };
    const page = await call<{ Parameters: { Version: number; Value: string }[]; NextToken?: string }>(
      "GetParameterHistory",
      input,
    );
    versions.push(...page.Parameters.map(({ Version, Value }) => `${Version} ${Value}`));
    NextToken = page.NextToken;
  }
  return versions;
}

const rangeOf = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, n) => `${first + n} v${first + n}`);

/** As Kiln's first state version left a parameter that was put `count` times. */
async function fillFirstForm(name: string, count: number): Promise<void> {
  const versionOf = (version: number) => ({
    ...({ version, type: "String", value: `v${version}`, tier: "Standard", dataType: "text" } as const),
    ...{ lastModifiedMs: version, lastModifiedUser: "arn:aws:iam::000000000000:root" },
  });
  const place = ["000000000000", "us-east-1"];
  await services.store.write(() => {
    for (let version = 1; version <= count; version++) {
      const key = [...place, name, String(version).padStart(10, "0")];
      versionsIn(services.store).put(key, versionOf(version));
    }
    const record = { name, latest: versionOf(count), oldestVersion: 1, labels: { first: 1 }, tags: {} };
    parametersIn(services.store).put([...place, name], record);
  });
}

beforeEach(async () => {
  services = await openServices([ssm]);
});
afterEach(() => services.close());

describe("versions of a parameter", () => {
  it("are all there, a hundred of them, and no record of a dropped one stays", async () => {
    for (let version = 1; version <= 130; version++) await put("/a/b", `v${version}`);
    expect(await historyOf("/a/b")).toEqual(rangeOf(31, 130));
    expect(versionsIn(services.store).count([])).toBe(99);
    expect(await call("GetParameter", { Name: "/a/b:31" })).toMatchObject({ Parameter: { Value: "v31" } });
    await call("DeleteParameter", { Name: "/a/b" });
    expect(versionsIn(services.store).count([])).toBe(0);
  });

  it("of parameters that are written in turn are told apart", async () => {
    for (let version = 1; version <= 12; version++) {
      await Promise.all([put("/x", `v${version}`), put("/y", `v${version}`), put("/x/y", `v${version}`)]);
    }
    for (const name of ["/x", "/y", "/x/y"]) expect(await historyOf(name)).toEqual(rangeOf(1, 12));
  });

  it("of the first state version are read where they are, and followed by new ones", async () => {
    await fillFirstForm("old", 60);
    expect(await historyOf("old")).toEqual(rangeOf(1, 60));
    expect(await call("GetParameter", { Name: "old:first" })).toMatchObject({ Parameter: { Value: "v1" } });
    await call("UnlabelParameterVersion", { Name: "old", ParameterVersion: 1, Labels: ["first"] });
    for (let version = 61; version <= 110; version++) {
      await put("old", `v${version}`);
      if (version === 61) expect(await historyOf("old")).toEqual(rangeOf(1, 61));
    }
    expect(await historyOf("old")).toEqual(rangeOf(11, 110));
    for (let version = 111; version <= 175; version++) await put("old", `v${version}`);
    expect(await historyOf("old")).toEqual(rangeOf(76, 175));
    expect(versionsIn(services.store).count([])).toBe(99);
  });

  it("of the first state version go with their parameter", async () => {
    await fillFirstForm("one", 1);
    await fillFirstForm("many", 5);
    await put("many", "v6");
    await call("DeleteParameters", { Names: ["one", "many"] });
    expect(versionsIn(services.store).count([])).toBe(0);
  });
});
