/** Rows about calls that AWS refuses, and about settings of a project. */
import { awsProject, cliError } from "./aws-log.ts";
import type { SavedRow } from "./rows.ts";

export const callRows: readonly SavedRow[] = [
  {
    id: "T07",
    shown: "build",
    notReal: "whether a provider shows a status is known there only",
    code: "source/status-needs-write-access",
    isBeside: true,
    says: "the token's user may not write to the repository",
    field: "source.reportBuildStatus",
    fix: "next",
    build: awsProject({
      source: { type: "GITHUB", location: "https://github.com/example/shop.git", reportBuildStatus: true },
    }),
  },
  {
    id: "T19",
    shown: "build",
    notReal: "only AWS's console edits roles in this way",
    code: "iam/role-edited-by-console",
    says: "the console may not edit the service role",
    field: "serviceRole",
    fix: "command",
    build:
      "The policy's default version was not created by enhanced zero click role creation or was not the most recent version created by enhanced zero click role creation.\n",
  },
  {
    id: "T32",
    shown: "build",
    notReal: "Kiln asks Bitbucket for nothing",
    code: "source/bitbucket-scopes",
    says: "the Bitbucket app of CodeBuild has got a new scope",
    field: "source.auth",
    fix: "command",
    build: cliError(
      "OAuthProviderException",
      "CreateWebhook",
      "Failed to call Bitbucket with error message: Your credentials lack one or more required privilege scopes.",
    ),
  },
  {
    id: "T39",
    shown: "build",
    notReal: "Kiln queues builds beyond the account's limit, as AWS does where the project has none",
    code: "account/active-builds-limit",
    says: "60 builds of this account run at the same time",
    fix: "command",
    build: cliError(
      "AccountLimitExceededException",
      "StartBuild",
      "Cannot have more than 60 active builds for the account",
    ),
  },
];
