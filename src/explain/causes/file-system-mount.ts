/** The file system of a project (EFS) cannot be mounted: refused (T37), or not in reach (T38). */
import { shellWord } from "../../core/shell-word.ts";
import type { Cause, Finding } from "../cause.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

const SOURCE = "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-efs.html";
const MOUNT = /mounting '([^']*)' failed\.? ?(.*)/;

export const fileSystemNotMounted: Cause = {
  id: "efs/not-mounted",
  sources: [SOURCE, "https://docs.aws.amazon.com/efs/latest/ug/troubleshooting-efs-mounting.html"],
  match(failure, facts): Finding | undefined {
    const [, , reason = ""] = MOUNT.exec(failure.message) ?? [];
    if (!MOUNT.test(failure.message) || failure.command) return undefined;
    const [location] = facts.build.fileSystemLocations ?? [];
    const id = /\b(fs-[0-9a-f]+)/.exec(location?.location ?? "")?.[1] ?? "FILE_SYSTEM";
    const base = {
      ...fieldOf("fileSystemLocations[].location", location?.location),
      evidence: [firstLine(failure.message)],
      confidence: "certain" as const,
    };
    if (/permission denied|access denied/i.test(reason)) {
      const policy = {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { AWS: "*" },
            Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            Condition: { Bool: { "elasticfilesystem:AccessedViaMountTarget": "true" } },
          },
        ],
      };
      return {
        ...base,
        cause: `the policy of the file system \`${id}\` refuses the build`,
        why: "CodeBuild mounts without IAM authorisation, so a policy that lets only named roles in refuses it",
        fix: {
          kind: "command",
          title: "let every client that reaches a mount target read and write",
          commands: [
            `aws efs put-file-system-policy --file-system-id ${shellWord(id)} --policy '${JSON.stringify(policy)}'`,
          ],
        },
        next: "who reaches a mount target is then up to its security group",
        prove: `\`aws efs describe-file-system-policy --file-system-id ${id}\` shows it, and a new build gets past PROVISIONING`,
      };
    }
    return {
      ...base,
      cause: `no mount target of the file system \`${id}\` can be reached from the build's subnets (${reason || "no reason is given"})`,
      why: "each availability zone needs a mount target of its own, and its security group must let NFS in",
      fix: {
        kind: "command",
        title:
          "see the zones that have a mount target; the project's subnets must be in them, and TCP port 2049 open to the build's security group",
        commands: [
          `aws efs describe-mount-targets --file-system-id ${shellWord(id)} --query 'MountTargets[].[MountTargetId,SubnetId,AvailabilityZoneName]'`,
        ],
      },
      prove:
        "a mount target stands in the zone of each of the project's subnets, and a new build gets past PROVISIONING",
    };
  },
};
