/** What a buildspec asks for that this version of Kiln does not do: one line each, printed with every run. */
import type { Buildspec } from "../buildspec/index.ts";

/** Nothing, at present: what a project asks for beside its buildspec is refused or named elsewhere. */
export function notDoneIn(_buildspec: Buildspec): readonly string[] {
  return [];
}
