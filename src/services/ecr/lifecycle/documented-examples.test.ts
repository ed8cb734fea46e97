/**
 * The user guide's rules and examples of lifecycle policies, one by one: what each policy takes of which images.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html and LifecyclePolicies.html
 */
import { expect, it } from "vitest";
import { DAY_MS } from "../../../core/clock.ts";
import { evaluateLifecycle, type LifecycleImage } from "./evaluate-policy.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";

const NOW_MS = 500 * DAY_MS;

type More = Partial<Omit<LifecycleImage, "digest">>;
/** Digest, days since the push, tags separated by blanks, what else is known. */
type Given = readonly [digest: string, daysOld: number, tags?: string, more?: More];

const ago = (days: number): number => NOW_MS - days * DAY_MS;
const imagesOf = (given: readonly Given[]): LifecycleImage[] =>
  given.map(([digest, daysOld, tags = "", more = {}]) => ({
    ...{ digest, pushedAtMs: ago(daysOld), tags: tags.split(" ").filter(Boolean), ...more },
  }));

const count = (countNumber: number) => ({ countType: "imageCountMoreThan", countNumber });
const days = (countNumber: number, countType = "sinceImagePushed") => ({ countType, countUnit: "days", countNumber });
const prefixes = (...tagPrefixList: string[]) => ({ tagStatus: "tagged", tagPrefixList });
const patterns = (...tagPatternList: string[]) => ({ tagStatus: "tagged", tagPatternList });
const any = { tagStatus: "any" };
const untagged = { tagStatus: "untagged" };
const archive = { type: "transition", targetStorageClass: "archive" };
const rule = (...selection: object[]) => ({
  selection: Object.assign({}, ...selection) as object,
  action: { type: "expire" },
});
const archiving = (...selection: object[]) => ({ ...rule(...selection), action: archive });

/** `digest:priority`, in the order in which they go. */
function taken(rules: readonly object[], images: readonly Given[]): string[] {
  const text = JSON.stringify({ rules: rules.map((one, i) => ({ rulePriority: i + 1, ...one })) });
  return evaluateLifecycle(parseLifecyclePolicy(text), imagesOf(images), NOW_MS).map(
    (verdict) => `${verdict.image.digest}:${verdict.rule.priority}`,
  );
}

const MULTIPLE_RULES: readonly Given[] = [
  ["A", 10, "beta-1 prod-1"],
  ["B", 9, "beta-2 prod-2"],
  ["C", 8, "beta-3"],
];
const MULTIPLE_TAGS: readonly Given[] = [
  ["A", 12, "alpha-1"],
  ["B", 11, "beta-1"],
  ["C", 10, "alpha-2 beta-2"],
  ["D", 4, "alpha-3"],
  ["E", 3, "beta-3"],
  ["F", 2, "alpha-4 beta-4"],
];
const GREEK: readonly Given[] = [
  ["A", 10, "alpha-1 beta-1 gamma-1"],
  ["B", 9, "alpha-2 beta-2"],
  ["C", 8, "alpha-3 beta-3 gamma-2"],
];
const ALL: readonly Given[] = [
  ["A", 12, "alpha-1"],
  ["B", 11, "beta-1"],
  ["C", 10, "alpha-2 beta-2"],
  ["D", 9],
  ["E", 8],
  ["F", 4, "alpha-3"],
];
const index = (...manifests: string[]): More => ({ manifests });

it.each<[string, readonly object[], readonly Given[], readonly string[]]>([
  [
    "by age",
    [rule(patterns("prod*"), days(14))],
    [
      ["A", 15, "prod1"],
      ["B", 13, "prod2"],
      ["C", 15, "test"],
    ],
    ["A:1"],
  ],
  [
    "by age, untagged",
    [rule(untagged, days(14))],
    [
      ["A", 15],
      ["B", 13],
      ["C", 15, "v1"],
    ],
    ["A:1"],
  ],
  [
    "by count",
    [rule(untagged, count(1))],
    [
      ["A", 3],
      ["B", 2],
      ["C", 1],
      ["D", 9, "v1"],
    ],
    ["A:1", "B:1"],
  ],
  [
    "several rules, example A",
    [rule(prefixes("prod"), count(1)), rule(prefixes("beta"), count(1))],
    MULTIPLE_RULES,
    ["A:1"],
  ],
  [
    "several rules, example B",
    [rule(prefixes("beta"), count(1)), rule(prefixes("prod"), count(1))],
    MULTIPLE_RULES,
    ["A:1", "B:1"],
  ],
  ["several tags, example A", [rule(prefixes("alpha", "beta"), days(5))], MULTIPLE_TAGS, ["C:1"]],
  ["several tags, example B", [rule(prefixes("alpha", "beta"), count(1))], GREEK, ["A:1", "B:1"]],
  ["several patterns, example A", [rule(patterns("alpha*", "beta*"), days(5))], MULTIPLE_TAGS, ["C:1"]],
  ["several patterns, example B", [rule(patterns("alpha*", "beta*"), count(1))], GREEK, ["A:1", "B:1"]],
  ["all images, example A", [rule(any, days(5))], ALL, ["A:1", "B:1", "C:1", "D:1", "E:1"]],
  ["all images, example B", [rule(untagged, days(5)), rule(any, count(1))], ALL, ["D:1", "E:1", "A:2", "B:2", "C:2"]],
  [
    "all images, example C",
    [rule(prefixes("alpha"), days(5)), rule(any, count(1))],
    ALL,
    ["A:1", "C:1", "B:2", "D:2", "E:2"],
  ],
  [
    "archive what is not pulled",
    [archiving(any, days(90, "sinceImagePulled"))],
    [
      ["A", 200, "", { lastPulledAtMs: ago(91) }],
      ["B", 200, "", { lastPulledAtMs: ago(89) }],
      ["C", 91],
    ],
    ["A:1", "C:1"],
  ],
  [
    "archive by age",
    [archiving(any, days(30))],
    [
      ["A", 31, "v1"],
      ["B", 29],
    ],
    ["A:1"],
  ],
  [
    "archive by count",
    [archiving(any, count(2))],
    [
      ["A", 3],
      ["B", 2],
      ["C", 1],
    ],
    ["A:1"],
  ],
  [
    "archive, then expire",
    [
      archiving(any, days(90, "sinceImagePulled")),
      rule(any, { storageClass: "archive" }, days(365, "sinceImageTransitioned")),
    ],
    [
      ["A", 499, "", { archivedAtMs: ago(366) }],
      ["B", 499, "", { archivedAtMs: ago(364) }],
      ["C", 100],
    ],
    ["C:1", "A:2"],
  ],
  [
    "an archived image counts for no rule of standard ones",
    [rule(any, count(1))],
    [
      ["A", 9, "", { archivedAtMs: ago(1) }],
      ["B", 8],
      ["C", 7],
    ],
    ["B:1"],
  ],
  [
    "one rule takes an image, never two",
    [rule(prefixes("a"), days(1)), rule(prefixes("b"), days(1)), rule(any, days(1))],
    [["A", 9, "a1 b1"]],
    ["A:1"],
  ],
  [
    "an image that a rule before selects and keeps stays",
    [rule(prefixes("a"), days(100)), rule(any, days(1))],
    [
      ["A", 9, "a1"],
      ["B", 9],
    ],
    ["B:2"],
  ],
  [
    "priorities need not follow one another",
    [
      { ...rule(any, count(1)), rulePriority: 90 },
      { ...rule(untagged, count(1)), rulePriority: 7 },
    ],
    [
      ["A", 3],
      ["B", 2],
      ["C", 1, "v1"],
    ],
    ["A:7"],
  ],
  [
    "a wildcard anywhere",
    [rule(patterns("*web*"), days(1))],
    [
      ["A", 9, "my-web-1"],
      ["B", 9, "web"],
      ["C", 9, "we-b"],
    ],
    ["A:1", "B:1"],
  ],
  [
    "a pattern without a wildcard is the whole tag",
    [rule(patterns("prod"), days(1))],
    [
      ["A", 9, "prod"],
      ["B", 9, "prod1"],
    ],
    ["A:1"],
  ],
  [
    "four wildcards, points that are points",
    [rule(patterns("*1.*.*-*"), days(1))],
    [
      ["A", 9, "v1.2.3-rc"],
      ["B", 9, "v1a2.3-rc"],
    ],
    ["A:1"],
  ],
  [
    "case counts",
    [rule(prefixes("Prod"), days(1))],
    [
      ["A", 9, "prod1"],
      ["B", 9, "Prod1"],
    ],
    ["B:1"],
  ],
  [
    "one tag may match several patterns",
    [rule(patterns("*a*", "*b*"), days(1))],
    [
      ["A", 9, "ab"],
      ["B", 9, "a"],
    ],
    ["A:1"],
  ],
  [
    "an index keeps its images",
    [rule(untagged, days(1))],
    [
      ["I", 9, "v1", index("M", "N")],
      ["M", 9],
      ["N", 9],
      ["O", 9],
    ],
    ["O:1"],
  ],
  [
    "an index that goes lets them go",
    [rule(any, days(1))],
    [
      ["I", 9, "v1", index("M")],
      ["M", 9],
    ],
    ["I:1", "M:1"],
  ],
  [
    "of two indexes one is enough",
    [rule(any, days(5))],
    [
      ["I", 9, "v1", index("M")],
      ["J", 2, "v2", index("M")],
      ["M", 9],
    ],
    ["I:1"],
  ],
  [
    "an index in an index keeps its images, too",
    [rule(untagged, days(1))],
    [
      ["I", 9, "v1", index("J")],
      ["J", 9, "", index("M")],
      ["M", 9],
    ],
    [],
  ],
  [
    "an index that is not archived keeps them from the archive",
    [archiving(untagged, days(1))],
    [
      ["I", 9, "v1", index("M")],
      ["M", 9],
    ],
    [],
  ],
  [
    "an archived index keeps them from expiring, not from the archive",
    [rule(untagged, days(1))],
    [
      ["I", 9, "v1", { ...index("M"), archivedAtMs: ago(1) }],
      ["M", 9],
    ],
    [],
  ],
  [
    "which go to the archive with it",
    [archiving(any, days(1))],
    [
      ["I", 9, "v1", index("M")],
      ["M", 9],
    ],
    ["I:1", "M:1"],
  ],
  ["nothing is taken of an empty repository", [rule(any, count(1))], [], []],
])("%s", (_name, rules, images, expected) => {
  expect(taken(rules, images)).toEqual(expected);
});
