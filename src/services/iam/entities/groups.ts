/** Groups and who is in them. */
import { globalArnIn } from "../../../core/arn.ts";
import { entityKey, type GroupRecord } from "../../../identity/index.ts";
import { operation } from "../../service.ts";
import { deleteConflict, entityAlreadyExists, invalidMarker, noSuchEntity, quotaExceeded } from "../errors.ts";
import { nameKey, pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { addEntity, changeEntity, GROUP, listEntities, newEntity, requireEntity, USER } from "./entities.ts";
import { entityAccess, listAccess } from "./entity-access.ts";
import { listedUser } from "./users.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
/** Groups a user may be in. */
export const MAX_GROUPS_PER_USER = 10;

export const createGroup = operation<Shapes.CreateGroupRequest, Shapes.CreateGroupResponse>({
  name: "CreateGroup",
  support: "supported",
  source: `${DOCS}/API_CreateGroup.html`,
  authorize: (input, { scope }) => [
    {
      action: "iam:CreateGroup",
      resource: globalArnIn(scope, "iam", `group${input.Path ?? "/"}${input.GroupName}`),
      resourceText: `group ${input.GroupName}`,
    },
  ],
  errors: [entityAlreadyExists, quotaExceeded],
  async run(input, context) {
    const names = { name: input.GroupName, path: input.Path };
    const group = await addEntity(GROUP, context, () => newEntity(GROUP, names, context));
    return { Group: groupShape(group) };
  },
});

export const getGroup = operation<Shapes.GetGroupRequest, Shapes.GetGroupResponse>({
  name: "GetGroup",
  support: "supported",
  source: `${DOCS}/API_GetGroup.html`,
  authorize: (input, context) => [entityAccess(GROUP, "GetGroup", input.GroupName, context)],
  errors: [noSuchEntity, invalidMarker],
  run(input, context) {
    const group = requireEntity(GROUP, input.GroupName, context);
    const users = listEntities(USER, context).filter((user) => user.groupNames.includes(group.name));
    const page = pageOf(users, input, (user) => nameKey(user.name));
    return { Group: groupShape(group), Users: page.items.map(listedUser), ...page.members };
  },
});

export const listGroups = operation<Shapes.ListGroupsRequest, Shapes.ListGroupsResponse>({
  name: "ListGroups",
  support: "supported",
  source: `${DOCS}/API_ListGroups.html`,
  authorize: (input, { scope }) =>
    listAccess("ListGroups", globalArnIn(scope, "iam", `group${input.PathPrefix ?? "/"}`)),
  errors: [invalidMarker],
  run(input, context) {
    const groups = listEntities(GROUP, context).filter((group) => group.path.startsWith(input.PathPrefix ?? "/"));
    const page = pageOf(groups, input, (group) => nameKey(group.name));
    return { Groups: page.items.map(groupShape), ...page.members };
  },
});

export const listGroupsForUser = operation<Shapes.ListGroupsForUserRequest, Shapes.ListGroupsForUserResponse>({
  name: "ListGroupsForUser",
  support: "supported",
  source: `${DOCS}/API_ListGroupsForUser.html`,
  authorize: (input, context) => [entityAccess(USER, "ListGroupsForUser", input.UserName, context)],
  errors: [noSuchEntity, invalidMarker],
  run(input, context) {
    const { groupNames } = requireEntity(USER, input.UserName, context);
    const groups = groupNames.map((name) => requireEntity(GROUP, name, context));
    const page = pageOf(groups, input, (group) => nameKey(group.name));
    return { Groups: page.items.map(groupShape), ...page.members };
  },
});

export const addUserToGroup = operation<Shapes.AddUserToGroupRequest, object>({
  name: "AddUserToGroup",
  support: "supported",
  source: `${DOCS}/API_AddUserToGroup.html`,
  authorize: (input, context) => [entityAccess(GROUP, "AddUserToGroup", input.GroupName, context)],
  errors: [noSuchEntity, quotaExceeded],
  async run(input, context) {
    await changeEntity(USER, input.UserName, context, (user) => {
      const { name } = requireEntity(GROUP, input.GroupName, context);
      if (user.groupNames.includes(name)) return user;
      if (user.groupNames.length >= MAX_GROUPS_PER_USER) throw quotaExceeded("GroupsPerUser", MAX_GROUPS_PER_USER);
      return { ...user, groupNames: [...user.groupNames, name] };
    });
    return {};
  },
});

export const removeUserFromGroup = operation<Shapes.RemoveUserFromGroupRequest, object>({
  name: "RemoveUserFromGroup",
  support: "supported",
  source: `${DOCS}/API_RemoveUserFromGroup.html`,
  authorize: (input, context) => [entityAccess(GROUP, "RemoveUserFromGroup", input.GroupName, context)],
  errors: [noSuchEntity],
  async run(input, context) {
    await changeEntity(USER, input.UserName, context, (user) => {
      const { name } = requireEntity(GROUP, input.GroupName, context);
      return { ...user, groupNames: user.groupNames.filter((one) => one !== name) };
    });
    return {};
  },
});

export const deleteGroup = operation<Shapes.DeleteGroupRequest, object>({
  name: "DeleteGroup",
  support: "supported",
  source: `${DOCS}/API_DeleteGroup.html`,
  authorize: (input, context) => [entityAccess(GROUP, "DeleteGroup", input.GroupName, context)],
  errors: [noSuchEntity, deleteConflict],
  async run(input, context) {
    await context.store.write(() => {
      const group = requireEntity(GROUP, input.GroupName, context);
      const isEmpty = listEntities(USER, context).every((user) => !user.groupNames.includes(group.name));
      if (!isEmpty) throw deleteConflict("remove users from group");
      if (group.attachedPolicyArns.length > 0) throw deleteConflict("detach all policies");
      if (Object.keys(group.inlinePolicies).length > 0) throw deleteConflict("delete policies");
      GROUP.collection(context.store).delete(entityKey(context.scope.accountId, input.GroupName));
    });
    return {};
  },
});

/** A group as every answer shows it. */
export const groupShape = (group: GroupRecord): Shapes.Group => ({
  Path: group.path,
  GroupName: group.name,
  GroupId: group.id,
  Arn: group.arn,
  CreateDate: group.createdMs,
});
