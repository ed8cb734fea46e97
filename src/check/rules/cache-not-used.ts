/** A `cache` that cannot do what it says: without paths, with fallback keys and no key, with an unknown action. */
import { nearest } from "../../core/nearest.ts";
import type { Rule } from "../rule.ts";

/** https://docs.aws.amazon.com/codebuild/latest/userguide/caching-s3.html */
const MAX_FALLBACK_KEYS = 5;
const ACTIONS = ["restore", "save"];

export const cacheNotUsed: Rule = {
  id: "cache/not-used",
  severity: "warning",
  title: "a `cache` that is not used as written",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache",
  *run({ buildspec: { cache }, project }) {
    if (!cache) return;
    const { paths, key, fallbackKeys, action } = cache;
    if (paths.length === 0 && key) {
      yield {
        message: "`cache` has a `key` and no `paths`",
        span: key.span,
        why: "only what `paths` name is kept",
      };
    }
    const [first] = fallbackKeys;
    if (first && !key) {
      yield {
        message: "`cache` has `fallback-keys` and no `key`",
        span: first.span,
        why: "they are tried when there is no cache for `key`; without it the project has one cache, and they are not used",
      };
    }
    const sixth = fallbackKeys[MAX_FALLBACK_KEYS];
    if (sixth) {
      yield {
        message: `\`cache\` has ${fallbackKeys.length} fallback keys, expected at most ${MAX_FALLBACK_KEYS}`,
        span: sixth.span,
        why: `those after the first ${MAX_FALLBACK_KEYS} are not tried`,
      };
    }
    if (action && !ACTIONS.includes(action.value)) {
      const guess = nearest(action.value, ACTIONS);
      yield {
        message: `\`cache.action\` is \`${action.value}\`, expected \`restore\` or \`save\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
        span: action.span,
        why: "another value leaves both in force: the cache is restored and saved",
      };
    }
    const local = project.cache?.modes ?? [];
    if (
      project.cache?.type === "NO_CACHE" ||
      (project.cache?.type === "LOCAL" && !local.includes("LOCAL_CUSTOM_CACHE"))
    ) {
      yield {
        message:
          project.cache.type === "LOCAL"
            ? "the project's local cache has no mode LOCAL_CUSTOM_CACHE, so `cache.paths` are not kept"
            : "the project's cache type is NO_CACHE, so nothing is kept",
        span: cache.span,
        why: "the buildspec says what is cached, the project whether and where",
        severity: "info",
      };
    }
  },
};
