/** A command uses `CODEBUILD_SRC_DIR_<identifier>` of a secondary source that the build does not have. */
import { nearest } from "../../core/nearest.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { quotedList } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

export const secondarySourceMissing: Cause = {
  id: "source/secondary-missing",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/sample-multi-in-out.html"],
  match(failure, facts): Finding | undefined {
    // A log alone does not say which sources the project has.
    if (!failure.command || facts.build.source === undefined) return undefined;
    const known = (facts.build.secondarySources ?? []).flatMap(({ sourceIdentifier }) => sourceIdentifier ?? []);
    const used = [...failure.command.text.matchAll(/\$\{?CODEBUILD_SRC_DIR_(\w+)/g)].map(([, name = ""]) => name);
    const identifier = used.find((name) => !known.includes(name));
    if (identifier === undefined) return undefined;
    const near = nearest(identifier, known);
    const has = known.length === 0 ? "the project has no secondary sources" : `the project has ${quotedList(known)}`;
    return {
      cause: `\`CODEBUILD_SRC_DIR_${identifier}\` is empty: there is no secondary source \`${identifier}\`; ${near === undefined ? has : `the nearest is \`${near}\``}`,
      ...placeOfCommand(facts, failure.command),
      ...fieldOf("secondarySources[].sourceIdentifier", known.join(", ")),
      evidence: failure.output.length > 0 ? failure.output.slice(-3) : [failure.message],
      why: "CodeBuild sets one such variable for each secondary source of the project; any other is empty",
      next: `give the project a secondary source with the identifier \`${identifier}\`, or use the name it has`,
      confidence: "likely",
    };
  },
};
