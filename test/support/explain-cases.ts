/** Cases of causes: a symptom in, the exact sentence out. Used by the tests beside src/explain/causes. */
import { expect, it } from "vitest";
import { explainBuild } from "../../src/explain/index.ts";
import { type FactsInput, factsOf } from "./build-facts.ts";

export interface CauseCase extends FactsInput {
  readonly code: string;
  readonly cause: string;
  readonly line?: number;
  readonly next?: string;
  /** `path`, or `path = value`. */
  readonly field?: string;
  /** Title of the fix. */
  readonly fix?: string;
  /** Commands of the fix. */
  readonly commands?: readonly string[];
  /** Actions and resources of the fix's policy: `a, b on c, d`. */
  readonly allows?: readonly string[];
}

/** One test a case. Every diagnosis must say what to do next: a fix, a next step or, stopped by somebody, nothing. */
export function explains(cases: readonly CauseCase[]): void {
  it.each(cases.map((each) => [`${each.code}: ${each.cause}`, each] as const))(
    "%s",
    (_, { code, cause, line, next, field, fix, commands, allows, ...input }) => {
      const diagnosis = explainBuild(factsOf(input));
      expect({ code: diagnosis.code, cause: diagnosis.cause }).toEqual({ code, cause });
      if (line !== undefined) expect(diagnosis.line).toBe(line);
      if (next !== undefined) expect(diagnosis.next).toBe(next);
      if (field !== undefined) {
        const { path, value } = diagnosis.field ?? {};
        expect(value === undefined ? path : `${path} = ${value}`).toBe(field);
      }
      if (fix !== undefined) expect(diagnosis.fix?.title).toBe(fix);
      if (commands !== undefined) expect(diagnosis.fix).toMatchObject({ commands });
      if (allows !== undefined) expect(allowedBy(diagnosis.fix)).toEqual(allows);
      expect(diagnosis.fix ?? diagnosis.next).toBeDefined();
    },
  );
}

function allowedBy(fix: unknown): string[] {
  const { policy } = (fix ?? {}) as { policy?: { Statement: { Action: string[]; Resource: string[] }[] } };
  return (policy?.Statement ?? []).map(({ Action, Resource }) => `${Action.join(", ")} on ${Resource.join(", ")}`);
}

export const BUILD_SPEC = `version: 0.2
phases:
  install:
    runtime-versions:
      python: "3.7"
  build:
    commands:
      - make all
      - docker push 000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1
artifacts:
  files:
    - dist/app.zip
`;

/** A failed `make all` of {@link BUILD_SPEC}. */
export const make = { phase: "BUILD" as const, buildspec: BUILD_SPEC, command: "make all" };
export const downloading = { phase: "DOWNLOAD_SOURCE" as const };

/** A denial as S3 answers it, behind CodeBuild's words. */
export const s3Denial = (action: string, resource: string): string =>
  `AccessDenied: User: arn:aws:sts::000000000000:assumed-role/CodeBuildServiceRole/AWSCodeBuild-1 is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action\n\tstatus code: 403, request id: R, host id: H`;
