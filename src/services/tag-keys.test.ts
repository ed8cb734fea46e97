import { expect, it } from "vitest";
import { requestTagKeys, resourceTagKeys } from "./tag-keys.ts";

it("a request without tags has no keys of tags", () => {
  expect([requestTagKeys(), requestTagKeys([])]).toEqual([{}, {}]);
});

it("the tags of a request are a key each and a list of their keys", () => {
  const tags = [{ Key: "team", Value: "blue" }, { Key: "empty" }];
  expect(requestTagKeys(tags)).toEqual({
    "aws:RequestTag/team": "blue",
    "aws:RequestTag/empty": "",
    "aws:TagKeys": ["team", "empty"],
  });
});

it("the tags of a resource go by the global name or a service's own", () => {
  const tags = [{ Key: "team", Value: "blue" }];
  expect(resourceTagKeys(tags)).toEqual({ "aws:ResourceTag/team": "blue" });
  expect(resourceTagKeys(tags, "iam:ResourceTag")).toEqual({ "iam:ResourceTag/team": "blue" });
  expect(resourceTagKeys(undefined)).toEqual({});
});
