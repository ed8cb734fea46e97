/** A report group shared with another account: read through its resource policy, and nothing else. */
import { expect, it } from "vitest";
import { openTestAccount, SCOPE } from "../../../../test/support/codebuild-account.ts";
import { rootPrincipal } from "../../../identity/index.ts";

it("shows a shared report group to the account it is shared with", async () => {
  const account = await openTestAccount([]);
  try {
    const { reportGroup } = await account.root.call<{ reportGroup: { arn: string } }>(
      "codebuild",
      "CreateReportGroup",
      {
        name: "shared",
        type: "TEST",
        exportConfig: { exportConfigType: "NO_EXPORT" },
      },
    );
    const { arn } = reportGroup;
    const other = account.callerFor(rootPrincipal({ ...SCOPE, accountId: "444455556666" }));
    const read = (): Promise<unknown> => other.call("codebuild", "BatchGetReportGroups", { reportGroupArns: [arn] });
    await expect(read()).rejects.toMatchObject({ code: "AccessDeniedException" });
    await account.root.call("codebuild", "PutResourcePolicy", {
      resourceArn: arn,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { AWS: "arn:aws:iam::444455556666:root" },
            Action: ["codebuild:BatchGetReportGroups", "codebuild:ListReportsForReportGroup"],
            Resource: arn,
          },
        ],
      }),
    });
    expect(await read()).toMatchObject({ reportGroups: [{ arn }], reportGroupsNotFound: [] });
    expect(await other.call("codebuild", "ListReportsForReportGroup", { reportGroupArn: arn })).toEqual({
      reports: [],
    });
    await expect(other.call("codebuild", "DeleteReportGroup", { arn })).rejects.toMatchObject({
      code: "AccessDeniedException",
    });
    // The policy goes with the group.
    await account.root.call("codebuild", "DeleteReportGroup", { arn });
    await expect(account.root.call("codebuild", "GetResourcePolicy", { resourceArn: arn })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
    });
  } finally {
    await account.close();
  }
});
