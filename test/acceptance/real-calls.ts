/** Rows about calls that CodeBuild refuses, and about settings, from real calls. */
import { Acceptance, account, type RealRow, type Shown, spec } from "./real-build.ts";

const WAIT = spec(["sleep 20"]);
const ROLE = (name: string) => `arn:aws:iam::${account}:role/${name}`;

/** While a build of the project runs. */
async function whileRunning(at: Acceptance, projectName: string, act: () => Promise<Shown>): Promise<Shown> {
  const { build } = await at.call<{ build: { id: string } }>("codebuild", "StartBuild", { projectName });
  try {
    return await act();
  } finally {
    await at.call("codebuild", "StopBuild", { id: build.id });
    for await (const event of at.kiln.events(build.id)) void event;
  }
}

export const callRows: readonly RealRow[] = [
  {
    id: "T05",
    code: "webhook/branch-filter-deprecated",
    isBeside: true,
    says: "the webhook has a `branchFilter` (`^release$`)",
    field: "webhook.branchFilter",
    fix: "command",
    async run(at) {
      await at.project("t05", { files: { "buildspec.yml": spec(["true"]) } });
      await at.call("codebuild", "ImportSourceCredentials", {
        token: "t",
        serverType: "GITHUB",
        authType: "PERSONAL_ACCESS_TOKEN",
      });
      await at.call("codebuild", "CreateWebhook", { projectName: "t05", branchFilter: "^release$" });
      return { text: JSON.stringify(await at.call("codebuild", "BatchGetProjects", { names: ["t05"] })) };
    },
  },
  {
    id: "T06",
    code: "source/status-not-reported",
    isBeside: true,
    says: "success or failure of this build is not shown at the provider",
    field: "source.reportBuildStatus",
    fix: "command",
    async run(at) {
      await at.project("t06", {
        more: {
          source: {
            type: "GITHUB",
            location: `file://${at.files("t06", { "buildspec.yml": spec(["true"]) })}`,
            reportBuildStatus: false,
          },
        },
      });
      const first = await at.build("t06");
      const id = "buildId" in first ? first.buildId : "";
      const { build } = await at.call<{ build: { id: string } }>("codebuild", "RetryBuild", { id });
      for await (const event of at.kiln.events(build.id)) void event;
      return { text: JSON.stringify(await at.call("codebuild", "BatchGetBuilds", { ids: [build.id] })) };
    },
  },
  {
    id: "T29",
    code: "account/active-builds-limit",
    says: "the project runs as many builds at the same time as its `concurrentBuildLimit` (1) allows",
    field: "concurrentBuildLimit",
    fix: "command",
    async run(at) {
      await at.project("t29", { buildspec: WAIT, more: { concurrentBuildLimit: 1 } });
      return whileRunning(at, "t29", () => at.refused("StartBuild", { projectName: "t29" }));
    },
  },
  {
    id: "R28",
    code: "account/queue-full",
    says: "5 builds of this account wait already, and no more may queue",
    fix: "command",
    async run() {
      const small = new Acceptance();
      await small.start({ concurrentBuilds: 1 });
      try {
        await small.project("r28", { buildspec: WAIT });
        for (let started = 0; started < 6; started++)
          await small.call("codebuild", "StartBuild", { projectName: "r28" });
        return await small.refused("StartBuild", { projectName: "r28" });
      } finally {
        const { ids } = await small.call<{ ids: string[] }>("codebuild", "ListBuilds", {});
        for (const id of ids) await small.call("codebuild", "StopBuild", { id });
        for (const id of ids) for await (const event of small.kiln.events(id)) void event;
        await small.close();
      }
    },
  },
  {
    id: "R29",
    code: "account/project-limit-too-high",
    says: "is above what the account may run at the same time (60)",
    field: "concurrentBuildLimit",
    fix: "command",
    async run(at) {
      await at.project("r29", { buildspec: WAIT });
      return at.refused("UpdateProject", { name: "r29", concurrentBuildLimit: 100 });
    },
  },
  {
    id: "R30",
    code: "project/artifacts-override-needed",
    says: "the project belongs to a pipeline",
    field: "artifacts.type",
    fix: "command",
    async run(at) {
      await at.project("r30", {
        more: {
          source: { type: "CODEPIPELINE", buildspec: spec(["true"]) },
          artifacts: { type: "CODEPIPELINE" },
          serviceRole: ROLE("r30"),
        },
      });
      return at.refused("StartBuild", { projectName: "r30" });
    },
  },
];
