/** Condition keys of a question: which are taken silently, and what is said of the others. */
import { expect, it } from "vitest";
import { findAction } from "../services/index.ts";
import { keyNotes } from "./key-notes.ts";

function notesOf(name: string, ...keys: readonly string[]): string[] {
  const action = findAction(name);
  if (!action) throw new Error(`no action ${name}`);
  return keyNotes(action, Object.fromEntries(keys.map((key) => [key, "x"])));
}

it.each([
  ["ssm:GetParameter", "aws:SourceIp"],
  ["ssm:GetParameter", "AWS:sourceip"],
  ["ssm:GetParameter", "aws:PrincipalTag/team"],
  ["ssm:GetParameter", "aws:ResourceTag/team"],
  ["ssm:GetParameter", "codebuild:projectArn"],
  ["ssm:PutParameter", "aws:RequestTag/team"],
  ["kms:Decrypt", "kms:EncryptionContext:app"],
  ["kms:Decrypt", "kms:ViaService"],
  ["iam:PassRole", "iam:PassedToService"],
  ["s3:PutObject", "s3:RequestObjectTag/a:b/c"],
  ["codebuild:StartBuild", "codebuild:environment.environmentVariables/STAGE.value"],
])("%s may have %s", (action, key) => expect(notesOf(action, key)).toEqual([]));

it.each([
  ["ssm:GetParameter", "aws:SourceIP4", "; the nearest is `aws:SourceIp`"],
  ["ssm:PutParameter", "aws:RequestTags/team", "; the nearest is `aws:RequestTag/team`"],
  ["kms:Decrypt", "kms:EncryptionContexts:app", "; the nearest is `kms:EncryptionContext:app`"],
  ["iam:PassRole", "iam:PassToService", "; the nearest is `iam:PassedToService`"],
  ["ssm:DescribeParameters", "aws:TagKeys", ": a call does not have it"],
  ["s3:GetObject", "s3:max-keys", ": a call does not have it"],
])("%s has no %s", (action, key, hint) => {
  expect(notesOf(action, key)).toEqual([`\`${key}\` is no condition key of \`${action}\`${hint}`]);
});

it("names each of several", () => {
  expect(notesOf("ssm:GetParameter", "aws:SourceIp", "a:b", "c:d")).toHaveLength(2);
});
