import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPatternMatcher, patternProblem } from "../../../core/bounded-pattern.ts";
import { TestClock } from "../../../core/clock.ts";
import type { WebhookFilter } from "../shapes.gen.ts";
import { evaluateFilters, type FilterType } from "./evaluate-filters.ts";
import { sourceVersionOf, triggerOf, variablesOf, type WebhookEvent } from "./webhook-event.ts";

const PUSH: WebhookEvent = {
  name: "PUSH",
  provider: "github",
  actorAccountId: "12345",
  headRef: "refs/heads/main",
  filePaths: ["src/app.ts", "READ_ME"],
  commitMessage: "ship it [CodeBuild]\n\nbody",
  repositoryName: "r",
  organizationName: "o",
  headCommit: "abc",
  previousCommit: "def",
};
const PULL_REQUEST: WebhookEvent = {
  name: "PULL_REQUEST_CREATED",
  provider: "github",
  actorAccountId: "1",
  headRef: "refs/heads/topic",
  baseRef: "refs/heads/main",
  pullRequest: "7",
  headCommit: "abc",
};
const RELEASE: WebhookEvent = {
  name: "RELEASED",
  provider: "github",
  headRef: "refs/tags/v1.2",
  tagName: "v1.2",
  releaseName: "Spring",
};

const filter = (type: FilterType, pattern: string, excludeMatchedPattern = false): WebhookFilter => ({
  type,
  pattern,
  excludeMatchedPattern,
});
const decide = (filters: Parameters<typeof evaluateFilters>[0], event: WebhookEvent) =>
  evaluateFilters(filters, event, createPatternMatcher(new TestClock()));

describe("filters", () => {
  it.each<[string, WebhookEvent, FilterType, string, boolean]>([
    ["an event in the list", PUSH, "EVENT", "PULL_REQUEST_CREATED, PUSH", true],
    ["an event that only begins so", PUSH, "EVENT", "PUSHED", false],
    ["a branch by its reference", PUSH, "HEAD_REF", "^refs/heads/main$", true],
    ["another branch", PUSH, "HEAD_REF", "^refs/heads/mai$", false],
    ["a part of a reference", PUSH, "HEAD_REF", "ain", true],
    ["the sender", PUSH, "ACTOR_ACCOUNT_ID", "12345|678", true],
    ["any of the files", PUSH, "FILE_PATH", "^READ_ME$", true],
    ["none of the files", PUSH, "FILE_PATH", "^docs/", false],
    ["the documents' commit message", PUSH, "COMMIT_MESSAGE", "\\[CodeBuild\\]", true],
    ["Java's flags in front", PUSH, "COMMIT_MESSAGE", "(?i)SHIP", true],
    ["Java's quotation", PUSH, "COMMIT_MESSAGE", "\\Q[CodeBuild]\\E", true],
    ["Java's ends", PUSH, "HEAD_REF", "\\Arefs/heads/main\\z", true],
    ["a look-ahead", PUSH, "HEAD_REF", "^refs/heads/(?!main)", false],
    ["the base of a pull request", PULL_REQUEST, "BASE_REF", "^refs/heads/main$", true],
    ["the base of a push", PUSH, "BASE_REF", ".*", false],
    ["files that the payload does not list", PULL_REQUEST, "FILE_PATH", ".*", false],
    ["a tag", RELEASE, "TAG_NAME", "^v\\d", true],
    ["a release's name", RELEASE, "RELEASE_NAME", "Spring", true],
    ["the repository", PUSH, "REPOSITORY_NAME", "^r$", true],
    ["the organisation", PUSH, "ORGANIZATION_NAME", "^o$", true],
    ["a workflow of a push", PUSH, "WORKFLOW_NAME", ".*", false],
  ])("look at %s", (_, event, type, pattern, passed) => {
    expect(decide({ filterGroups: [[filter(type, pattern)]] }, event).passed).toBe(passed);
  });

  it("pass as a group only when all do, and a build starts when any group passes", () => {
    const main = filter("HEAD_REF", "main");
    const other = filter("HEAD_REF", "other");
    expect(decide({ filterGroups: [[filter("EVENT", "PUSH"), main, other]] }, PUSH).passed).toBe(false);
    const decision = decide({ filterGroups: [[other], [filter("EVENT", "PUSH"), main]] }, PUSH);
    expect(decision).toMatchObject({ passed: true, group: 1 });
    expect(decision.groups.map(({ passed }) => passed)).toEqual([false, true]);
  });

  it("say what they looked at", () => {
    const filters = [
      filter("EVENT", "PUSH"),
      filter("HEAD_REF", "^refs/tags/", true),
      filter("FILE_PATH", "^docs/"),
      filter("BASE_REF", "main"),
    ];
    expect(decide({ filterGroups: [filters] }, PUSH).groups[0]?.filters.map(({ why }) => why)).toEqual([
      "the event is PUSH, which is in the list",
      "not found in `refs/heads/main`, and turned round",
      "not found in any of 2 paths",
      "PUSH has no BASE_REF",
    ]);
    expect(decide({ filterGroups: [[filter("FILE_PATH", "a")]] }, PULL_REQUEST).groups[0]?.filters[0]?.why).toBe(
      "the payload lists no files, and Kiln asks no provider for them",
    );
  });

  it("that exclude let through exactly what the same filters stop", () => {
    const patterns = fc.constantFrom("main", "^refs/heads/", "^v", "o", "\\d+", "(a|b)*", "x{3}", ".");
    const types = fc.constantFrom<FilterType>("HEAD_REF", "ACTOR_ACCOUNT_ID", "FILE_PATH", "COMMIT_MESSAGE", "EVENT");
    fc.assert(
      fc.property(types, patterns, (type, pattern) => {
        const as = (exclude: boolean) => decide({ filterGroups: [[filter(type, pattern, exclude)]] }, PUSH).passed;
        expect(as(true)).toBe(!as(false));
      }),
    );
  });

  it("that exclude do not pass for what the event does not have", () => {
    expect(decide({ filterGroups: [[filter("BASE_REF", "main", true)]] }, PUSH).passed).toBe(false);
  });

  it("are every push and every new or changed pull request where there are none", () => {
    expect(decide({ filterGroups: [] }, PUSH).passed).toBe(true);
    expect(decide({ filterGroups: [] }, PULL_REQUEST).passed).toBe(true);
    expect(decide({ filterGroups: [] }, { ...PULL_REQUEST, name: "PULL_REQUEST_MERGED" }).passed).toBe(false);
    expect(decide({ branchFilter: "^main$", filterGroups: [] }, PUSH).passed).toBe(true);
    expect(decide({ branchFilter: "^main$", filterGroups: [] }, PULL_REQUEST).passed).toBe(false);
  });
});

describe("a hostile pattern", () => {
  it("is given up after its time, and lets nothing through, turned round or not", () => {
    const event = { ...PUSH, headRef: `refs/heads/${"a".repeat(60)}!` };
    for (const exclude of [false, true]) {
      const matcher = createPatternMatcher(new TestClock(), 20);
      const filters = { filterGroups: [[filter("HEAD_REF", "/(a+)+$", exclude)]] };
      const decision = evaluateFilters(filters, event, matcher);
      expect(decision.passed).toBe(false);
      expect(decision.groups[0]?.filters[0]?.why).toBe("the pattern takes too long on this value, so it was given up");
    }
  });

  it("reaches nothing outside its context", () => {
    const matcher = createPatternMatcher(new TestClock());
    expect(matcher.match("process", ["globalThis.process"])).toEqual({ kind: "matched", value: "globalThis.process" });
  });

  it.each([
    ["(", "/(/: Unterminated group"],
    ["a++", "/a++/: Nothing to repeat"],
    ["(?>a)", "/(?>a)/: Invalid group"],
    ["\\G", "\\G is not supported"],
    ["[a&&b]", "an intersection of character classes"],
    ["[a[b]]", "a character class inside a character class"],
  ])("that JavaScript cannot read as Java does is no pattern: %s", (pattern, problem) => {
    expect(patternProblem(pattern)).toBe(problem);
  });

  it("never makes the check of a pattern throw", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (pattern) => void patternProblem(pattern)));
  });
});

describe("a build of an event", () => {
  it.each<[WebhookEvent, string, string | undefined, string | undefined]>([
    [PUSH, "branch/main", "abc", "abc"],
    [{ ...PUSH, headRef: "refs/tags/v1" }, "tag/v1", "abc", "abc"],
    [PULL_REQUEST, "pr/7", "pr/7", "abc"],
    [{ ...PULL_REQUEST, provider: "bitbucket" }, "pr/7", "abc", "abc"],
    [RELEASE, "tag/v1.2", "v1.2", "v1.2"],
  ])("is of the trigger and the version CodeBuild gives", (event, trigger, version, localVersion) => {
    expect(triggerOf(event)).toBe(trigger);
    expect(sourceVersionOf(event, "https://github.com/o/r")).toBe(version);
    expect(sourceVersionOf(event, "file:///home/ada/r")).toBe(localVersion);
  });

  it("has the variables of the event, and no others", () => {
    expect(variablesOf(PULL_REQUEST)).toEqual({
      CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: "1",
      CODEBUILD_WEBHOOK_BASE_REF: "refs/heads/main",
      CODEBUILD_WEBHOOK_EVENT: "PULL_REQUEST_CREATED",
      CODEBUILD_WEBHOOK_HEAD_REF: "refs/heads/topic",
      CODEBUILD_WEBHOOK_TRIGGER: "pr/7",
    });
  });
});
