import { expect, it } from "vitest";
import { parseLifecyclePolicy } from "./parse-policy.ts";

const selection = { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 1 };
const action = { type: "expire" };
const rule = { rulePriority: 1, selection, action };
const withSelection = (more: object, rulePriority = 1) => ({
  ...rule,
  rulePriority,
  selection: { ...selection, ...more },
});
const policy = (...rules: unknown[]) => ({ rules });

it.each<[string, unknown, string]>([
  ["text that is no JSON", "{", "Could not map policyString into LifecyclePolicy."],
  ["no rules", {}, 'object has missing required properties (["rules"])'],
  ["an empty list", policy(), "array is too short: must have at least 1 elements but instance has 0 elements"],
  ["a rule that is none", policy({ selection }), 'object has missing required properties (["action","rulePriority"])'],
  [
    "an unknown member",
    policy({ ...rule, filter: 1 }),
    'object instance has properties which are not allowed by the schema: ["filter"]',
  ],
  [
    "null where a list belongs",
    policy(withSelection({ tagStatus: "tagged", tagPrefixList: null })),
    'instance type (null) does not match any allowed primitive type (allowed: ["array"])',
  ],
  [
    "an unknown tag status",
    policy(withSelection({ tagStatus: "all" })),
    'instance value ("all") not found in enum (possible values: ["tagged","untagged","any"])',
  ],
  [
    "a count of nothing",
    policy(withSelection({ countNumber: 0 })),
    "numeric instance is lower than the required minimum (minimum: 1, found: 0)",
  ],
  [
    "a unit for a count",
    policy(withSelection({ countUnit: "days" })),
    "instance failed to match exactly one schema (matched 0 out of 2)",
  ],
  [
    "days without a unit",
    policy(withSelection({ countType: "sinceImagePushed" })),
    "instance failed to match exactly one schema (matched 0 out of 2)",
  ],
  [
    "tagged images without a list",
    policy(withSelection({ tagStatus: "tagged" })),
    "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED",
  ],
  [
    "expiring what was not pulled",
    policy(withSelection({ countType: "sinceImagePulled", countUnit: "days" })),
    "instance failed to match exactly one schema (matched 0 out of 2)",
  ],
  [
    "archiving from the archive",
    policy({
      ...withSelection({
        countType: "sinceImageTransitioned",
        countUnit: "days",
        storageClass: "archive",
        countNumber: 90,
      }),
      action: { type: "transition", targetStorageClass: "archive" },
    }),
    "instance failed to match exactly one schema (matched 0 out of 2)",
  ],
  [
    "less than 90 days in the archive",
    policy(
      withSelection({
        countType: "sinceImageTransitioned",
        countUnit: "days",
        storageClass: "archive",
        countNumber: 89,
      }),
    ),
    "numeric instance is lower than the required minimum (minimum: 90, found: 89)",
  ],
  [
    "any before another rule",
    policy(withSelection({ tagStatus: "any" }), withSelection({}, 2)),
    "Rule for tagStatus=ANY must have the lowest priority per storage class",
  ],
  [
    "untagged images twice",
    policy(rule, withSelection({}, 2)),
    "Only one rule can select Untagged images per storage class",
  ],
])("says in ECR's words what is wrong with %s", (_name, given, sentence) => {
  const text = typeof given === "string" ? given : JSON.stringify(given);
  expect(() => parseLifecyclePolicy(text)).toThrow(
    expect.objectContaining({
      code: "InvalidParameterException",
      message: `Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: ${sentence}'`,
    }),
  );
});

it("gives the rules in order of priority, prefixes as patterns", () => {
  const second = withSelection({ tagStatus: "tagged", tagPrefixList: ["prod"] }, 2);
  expect(parseLifecyclePolicy(JSON.stringify(policy(second, rule)))).toEqual([
    expect.objectContaining({ priority: 1, tagPatterns: [] }),
    expect.objectContaining({ priority: 2, tagPatterns: ["prod*"] }),
  ]);
});
