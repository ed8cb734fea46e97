/** The operations of Parameter Store, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { deleteParameter, deleteParameters } from "./delete-parameter.ts";
import { describeParameters } from "./describe-parameters.ts";
import { getParameter, getParameters } from "./get-parameter.ts";
import { getParameterHistory } from "./get-parameter-history.ts";
import { getParametersByPath } from "./get-parameters-by-path.ts";
import { labelParameterVersion, unlabelParameterVersion } from "./labels.ts";
import { putParameter } from "./put-parameter.ts";
import { deleteResourcePolicy, getResourcePolicies, putResourcePolicy } from "./resource-policies.ts";
import { getServiceSetting, resetServiceSetting, updateServiceSetting } from "./service-settings.ts";
import { addTagsToResource, listTagsForResource, removeTagsFromResource } from "./tags.ts";

export const operations: Operations = [
  putParameter,
  getParameter,
  getParameters,
  getParametersByPath,
  getParameterHistory,
  describeParameters,
  deleteParameter,
  deleteParameters,
  labelParameterVersion,
  unlabelParameterVersion,
  addTagsToResource,
  removeTagsFromResource,
  listTagsForResource,
  putResourcePolicy,
  getResourcePolicies,
  deleteResourcePolicy,
  getServiceSetting,
  updateServiceSetting,
  resetServiceSetting,
];
