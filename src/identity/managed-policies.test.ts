/** AWS's managed policies: all of them are known, the small table and the archive agree, one is found without the rest. */
import { expect, it } from "vitest";
import { validatePolicy } from "../authorize/index.ts";
import { systemIds } from "../core/ids.ts";
import { openStore } from "../store/index.ts";
import { awsManagedPolicies, defaultDocumentText, findManagedPolicy } from "./managed-policies.ts";
import { archivedDocument, archivedPolicies } from "./managed-policy-archive.ts";

const store = await openStore({ ids: systemIds });
const find = (path: string) => findManagedPolicy(store, `arn:aws:iam::aws:policy/${path}`);

it("knows all of AWS's managed policies, in name order, each once", () => {
  const policies = awsManagedPolicies();
  expect(policies.length).toBeGreaterThan(1_500);
  const names = policies.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)].sort());
  expect(new Set(policies.map(({ id }) => id)).size).toBe(policies.length);
  expect(new Set(policies.map(({ path }) => path))).toEqual(
    new Set(["/", "/service-role/", "/job-function/", "/aws-service-role/", "/root-task/"]),
  );
});

it("has a document for every policy that its index lists, and each is a policy", () => {
  for (const { arn, defaultVersionId } of awsManagedPolicies()) {
    const policy = findManagedPolicy(store, arn);
    expect(policy, arn).toMatchObject({ arn, defaultVersionId });
    const text = defaultDocumentText(policy as NonNullable<typeof policy>);
    // AWS's own policies may hold what CreatePolicy refuses, such as a variable for an account.
    expect(validatePolicy(text, "simulated"), arn).toMatchObject({ ok: true });
  }
});

it("finds a common policy in the small table and any other in the archive, with AWS's dates and version", () => {
  const common = find("AmazonSSMReadOnlyAccess");
  expect(common).toMatchObject({ path: "/", defaultVersionId: "v1", createdMs: Date.UTC(2015, 4, 29, 17, 44, 19) });
  expect(archivedPolicies().get(common?.arn ?? "")?.place).toBeUndefined();
  const other = find("service-role/AWSLambdaBasicExecutionRole");
  expect(other).toMatchObject({
    name: "AWSLambdaBasicExecutionRole",
    path: "/service-role/",
    lastVersion: 1,
    tags: [],
  });
  expect(JSON.parse(other ? defaultDocumentText(other) : "")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: "*",
      },
    ],
  });
});

it("says the same about a policy in the small table and in the index", () => {
  const listed = new Map(awsManagedPolicies().map((policy) => [policy.arn, policy]));
  for (const { arn, place } of archivedPolicies().values()) {
    if (place) continue;
    const { versions, ...summary } = findManagedPolicy(store, arn) as NonNullable<ReturnType<typeof find>>;
    expect(versions.map(({ versionId }) => versionId)).toEqual([summary.defaultVersionId]);
    expect(summary).toEqual(listed.get(arn));
  }
});

it("has the policies of service-linked roles", () => {
  expect(find("aws-service-role/AmazonECSServiceRolePolicy")?.path).toBe("/aws-service-role/");
});

it.each(["AmazonSSMReadOnlyAcess", "AWSLambdaBasicExecutionRole", "service-role/AmazonSSMReadOnlyAccess", "", "x/y/z"])(
  "knows no policy `%s`",
  (path) => expect(find(path)).toBeUndefined(),
);

it("reads one document out of its block", () => {
  const [policy] = [...archivedPolicies().values()].filter(({ place }) => (place?.line ?? 0) > 3);
  if (!policy?.place) throw new Error("every block has one line");
  expect(archivedDocument(policy.place)).toMatch(/^\{.*\}$/);
});
