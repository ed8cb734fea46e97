import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../../core/clock.ts";
import { evaluateLifecycle, type LifecycleImage } from "./evaluate-policy.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";

const NOW_MS = 100 * DAY_MS;

/** An image pushed that many days ago. */
const image = (digest: string, daysOld: number, tags: readonly string[] = [], more: Partial<LifecycleImage> = {}) => ({
  ...{ digest, tags, pushedAtMs: NOW_MS - daysOld * DAY_MS, ...more },
});

const rule = (rulePriority: number, selection: object, action: object = { type: "expire" }) => ({
  ...{ rulePriority, selection, action },
});

/** `digest:priority` of what the rules take. */
const taken = (rules: readonly object[], images: readonly LifecycleImage[]): string[] =>
  evaluateLifecycle(parseLifecyclePolicy(JSON.stringify({ rules })), images, NOW_MS).map(
    (verdict) => `${verdict.image.digest}:${verdict.rule.priority}`,
  );

const tagged = (prefix: string, countNumber: number) => ({
  ...{ tagStatus: "tagged", tagPrefixList: [prefix], countType: "imageCountMoreThan", countNumber },
});

describe("a lifecycle policy", () => {
  it("keeps the newest images and takes the oldest first", () => {
    const images = [image("b", 2), image("a", 3), image("c", 1), image("tagged", 9, ["v1"])];
    const selection = { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 1 };
    expect(taken([rule(1, selection)], images)).toEqual(["a:1", "b:1"]);
  });

  // The user guide's examples of several rules.
  const abc = [image("A", 10, ["beta-1", "prod-1"]), image("B", 9, ["beta-2", "prod-2"]), image("C", 8, ["beta-3"])];
  it("never takes with a later rule what an earlier one keeps", () => {
    expect(taken([rule(1, tagged("prod", 1)), rule(2, tagged("beta", 1))], abc)).toEqual(["A:1"]);
  });

  it("counts for a later rule what an earlier one takes", () => {
    expect(taken([rule(1, tagged("beta", 1)), rule(2, tagged("prod", 1))], abc)).toEqual(["A:1", "B:1"]);
  });

  it("selects images that match each of several patterns", () => {
    const selection = (tagPatternList: readonly string[]) => ({
      ...{ tagStatus: "tagged", tagPatternList, countType: "sinceImagePushed", countUnit: "days", countNumber: 1 },
    });
    expect(taken([rule(1, selection(["prod*", "*.2"]))], [...abc, image("D", 7, ["prod-7", "v1.2"])])).toEqual(["D:1"]);
    expect(taken([rule(1, selection(["beta-?"]))], abc)).toEqual([]);
  });

  it("goes by the last pull, or by the push of what was never pulled", () => {
    const selection = { tagStatus: "any", countType: "sinceImagePulled", countUnit: "days", countNumber: 5 };
    const images = [
      image("pulled", 50, [], { lastPulledAtMs: NOW_MS - DAY_MS }),
      image("stale", 50, [], { lastPulledAtMs: NOW_MS - 6 * DAY_MS }),
      image("never", 6),
      image("new", 4),
      image("restored", 50, [], { activatedAtMs: NOW_MS - DAY_MS }),
    ];
    const archive = { type: "transition", targetStorageClass: "archive" };
    expect(taken([rule(1, selection, archive)], images)).toEqual(["stale:1", "never:1"]);
  });

  it("archives, and expires from the archive", () => {
    const archived = image("old", 50, [], { archivedAtMs: NOW_MS - 91 * DAY_MS });
    const move = { tagStatus: "any", countType: "sinceImagePulled", countUnit: "days", countNumber: 30 };
    const drop = {
      ...{ tagStatus: "any", storageClass: "archive", countType: "sinceImageTransitioned" },
      ...{ countUnit: "days", countNumber: 90 },
    };
    const rules = [rule(1, move, { type: "transition", targetStorageClass: "archive" }), rule(2, drop)];
    expect(taken(rules, [archived, image("idle", 40)])).toEqual(["idle:1", "old:2"]);
  });

  it("keeps what an index that stays lists, whatever its age", () => {
    const selection = { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 1 };
    const child = image("child", 9);
    expect(taken([rule(1, selection)], [child, image("index", 9, ["v1"], { manifests: ["child"] })])).toEqual([]);
    expect(taken([rule(1, selection)], [child, image("index", 9, [], { manifests: ["child"] })])).toEqual([
      "child:1",
      "index:1",
    ]);
  });

  it("takes nothing on the day itself", () => {
    const selection = { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: 14 };
    expect(taken([rule(1, selection)], [image("a", 14), image("b", 14.1)])).toEqual(["b:1"]);
  });
});
