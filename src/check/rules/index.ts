/** All rules of the checker, by id. A new rule is a file here, a line in one of the two lists, a golden case and a page in docs/checks/. */

import { withFrameRules } from "../frame-rules.ts";
import type { Rule, RuleFacts } from "../rule.ts";
import { knowledgeRules } from "./knowledge-rules.ts";
import { sourceRules } from "./source-rules.ts";

export const rules: readonly Rule[] = [...sourceRules, ...knowledgeRules].sort((a, b) => (a.id < b.id ? -1 : 1));

/** What there is to find, sorted by id. */
export const allRules: readonly RuleFacts[] = withFrameRules(rules);
