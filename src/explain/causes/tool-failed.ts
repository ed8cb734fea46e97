/**
 * A tool of the command says why it failed: pip, npm, maven, pytest, the aws CLI and the others of tool-failures/. Its
 * sentence is the cause, its lines the evidence, its place the user's file; what ran it followed from it.
 */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { placeInWorkspace, toolFailureOf } from "../tool-failure-of.ts";
import type { ToolFailure } from "../tool-failures/index.ts";

export const toolFailed: Cause = {
  id: "commands/tool-failed",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"],
  match(failure, facts): Finding | undefined {
    const tool = toolFailureOf(failure);
    if (!tool || !failure.command) return undefined;
    const command = placeOfCommand(facts, failure.command);
    const code = placeInWorkspace(tool.place, failure, facts);
    const { exitStatus } = failure.command;
    return {
      cause: tool.headline,
      ...(code ?? command),
      evidence: tool.lines.map((line) => line.trimEnd()),
      ...(tool.why === undefined ? {} : { why: tool.why }),
      ...(tool.fix ? { fix: tool.fix } : {}),
      consequences: followed(tool, exitStatus, code === undefined ? undefined : command),
      confidence: "likely",
      next: tool.next ?? nextFor(tool, code?.file),
    };
  },
};

/** The wrappers from the inside out, and the command when the place is not its own. */
function followed(
  tool: ToolFailure,
  exitStatus: number,
  command: { readonly file?: string; readonly line?: number } | undefined,
): string[] {
  const where = command?.file === undefined ? "" : ` (${command.file}${command.line ? `:${command.line}` : ""})`;
  return [
    ...tool.within.map((wrapper) => `${wrapper} failed because of it`),
    ...(command ? [`the command${where} ended with exit status ${exitStatus}`] : []),
  ];
}

function nextFor({ kind, fix, place }: ToolFailure, file: string | undefined): string {
  const at = file ?? place?.file;
  if (fix) return "commit what it changes, and start the build again";
  if (kind === "test-failure") return "run this test by hand, then correct the code or the test";
  if (at !== undefined) return `correct \`${at}\``;
  return "run the command by hand, with what the build has";
}
