/** What a rule of the checker is and what it is given. One rule = one file under rules/, named after its id. */

import type { Buildspec, ParsedBuildspec } from "../build/buildspec/index.ts";
import type { Diagnostic, Severity, Span } from "../core/diagnostics.ts";
import type { CheckProject, Knowledge, KnownParameter } from "./knowledge/knowledge.ts";
import type { ShellModel } from "./shell/shell-model.ts";
import type { Workspace } from "./tree/workspace.ts";

/** A finding without what the rule says once: code, source and, unless it differs, severity. */
export type Finding = Omit<Diagnostic, "code" | "severity" | "source"> & { readonly severity?: Severity };

/** What is said about a check wherever checks are listed. */
export interface RuleFacts {
  /** `topic/kebab`; the file is `topic-kebab.ts`. */
  readonly id: string;
  readonly severity: Severity;
  /** One line for lists of rules: what is found. */
  readonly title: string;
  /** Documentation URL. */
  readonly source: string;
}

export interface Rule extends RuleFacts {
  /** Says that the file is none for CodeBuild: what it finds is all that is said. Default false. */
  readonly isAboutWholeFile?: true;
  /** Runs even when the text is not YAML, so that the tree is a guess. Default false. */
  readonly needsNoYaml?: true;
  run(context: CheckContext): Iterable<Finding>;
}

export interface CheckContext {
  readonly workspace: Workspace;
  /** Path of the buildspec, relative to the workspace. */
  readonly file: string;
  readonly text: string;
  readonly parsed: ParsedBuildspec;
  readonly buildspec: Buildspec;
  readonly project: CheckProject;
  /** Undefined when nobody knows which parameters exist. */
  readonly parameters: readonly KnownParameter[] | undefined;
  /** What is known besides: secrets, keys, roles, policies, the account. */
  readonly known: Knowledge;
  readonly strict: boolean;
  /** Hard-coded secrets are looked for in the whole tree. */
  readonly searchesAllFiles: boolean;
  /** The caller named the file, as a project's `source.buildspec` would. */
  readonly isChosenFile: boolean;
  /** The commands as the shell sees them; parsed on first use. */
  readonly shell: ShellModel;
  spanOf(startOffset: number, endOffset: number): Span;
}
