/** What a buildspec asks for that this version of Kiln does not do: one line each, printed with every run. */
import type { Buildspec } from "../buildspec/index.ts";

export function notDoneIn(buildspec: Buildspec): string[] {
  const { artifacts, cache, reports, proxy, env, batch, phases } = buildspec;
  const lines: string[] = [];
  if (batch) lines.push("`batch`: the builds of a batch are not started; this is one build of the phases below it");
  if (reports.length > 0) lines.push(`\`reports\`: ${count(reports.length, "report group")} not collected`);
  if (cache) lines.push("`cache`: nothing is restored before or saved after the build");
  if (artifacts && artifacts.secondary.length > 0) {
    const names = artifacts.secondary.map(({ identifier }) => `\`${identifier.value}\``).join(", ");
    lines.push(`\`artifacts.secondary-artifacts\`: ${names} not collected`);
  }
  if (artifacts?.s3Prefix) lines.push("`artifacts.s3-prefix`: artifacts are not uploaded to S3");
  if (artifacts?.enableSymlinks) lines.push("`artifacts.enable-symlinks`: links are stored as the files they point to");
  if (proxy) lines.push("`proxy`: artifacts and logs do not leave this machine, so no proxy is used");
  if (env.gitCredentialHelper?.value) {
    lines.push("`env.git-credential-helper`: git in the build gets no credentials of the source provider");
  }
  for (const phase of phases) {
    if (phase.onFailure && /^RETRY/i.test(phase.onFailure.value)) {
      lines.push(`\`phases.${phase.name}.on-failure: ${phase.onFailure.value}\`: a failed build is not started again`);
    }
  }
  const users = new Set([buildspec.runAs, ...phases.map((phase) => phase.runAs)].flatMap((user) => user?.value ?? []));
  for (const user of users) if (user !== "root") lines.push(`\`run-as: ${user}\`: commands run as the engine's user`);
  return lines;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
