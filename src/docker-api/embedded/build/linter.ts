/** Runs BuildKit's build checks over a build and tells its reporter, as the warnings of the step that reads the Dockerfile. */

import { type Dockerfile, parseDockerfile } from "../../../dockerfile/dockerfile.ts";
import { DockerfileError } from "../../../dockerfile/instruction.ts";
import type { BuildWarning } from "./build-reporter.ts";
import { lintDockerfile, lintStage, type StageStart } from "./lint.ts";
import { type LintOptions, type LintWarning, lintOptions, type RuleName } from "./lint-rules.ts";
import type { StagePlan } from "./stage-plans.ts";

export class Linter {
  readonly #file: string;
  readonly #tell: (digest: string, warning: BuildWarning) => void;
  readonly #broken = new Set<RuleName>();
  #text = "";
  /** Of the step that reads the Dockerfile. */
  #digest = "";
  #options: LintOptions | undefined;

  constructor(file: string, tell: (digest: string, warning: BuildWarning) => void) {
    this.#file = file;
    this.#tell = tell;
  }

  /** Throws for wrong options of `# check=`; what cannot be parsed is the builder's to say. */
  read(text: string, digest: string): void {
    this.#text = text;
    this.#digest = digest;
    let dockerfile: Dockerfile;
    try {
      dockerfile = parseDockerfile(text);
    } catch (error) {
      if (error instanceof DockerfileError) return;
      throw error;
    }
    this.#options = lintOptions(dockerfile.check);
    this.#report(lintDockerfile(dockerfile, text));
  }

  /** Of the stages that the target is made of. Throws when the Dockerfile wants warnings to be errors. */
  stages(dockerfile: Dockerfile, plans: readonly StagePlan[]): void {
    const ends = new Map<number, StageStart>();
    for (const { index, base } of [...plans].sort((a, b) => a.index - b.index)) {
      const stage = dockerfile.stages[index];
      const start = base.kind === "stage" ? ends.get(base.index) : startOf(base.image.config.config);
      if (!stage || !start) continue;
      const { warnings, end } = lintStage(stage.instructions, start, dockerfile.escape);
      this.#report(warnings);
      ends.set(index, end);
    }
    if (this.#options?.isError && this.#broken.size > 0)
      throw new DockerfileError(`lint violation found for rules: ${[...this.#broken].join(", ")}`);
  }

  #report(warnings: readonly LintWarning[]): void {
    for (const { rule, short, detail, url, line, endLine } of warnings) {
      if (this.#options?.skips(rule)) continue;
      this.#broken.add(rule);
      const source = { file: this.#file, text: this.#text, startLine: line, endLine };
      this.#tell(this.#digest, { short, detail, url, source });
    }
  }
}

const startOf = (config: { readonly Env?: readonly string[]; readonly Shell?: readonly string[] }): StageStart => ({
  variables: ["PATH", ...(config.Env ?? []).map((entry) => entry.split("=", 1)[0] ?? "")],
  hasShell: (config.Shell ?? []).length > 0,
  hasWorkdir: false,
});
