/** Public face of what every service shares: the dispatcher and the model. Services export their own tables. */

export {
  type AccessLevel,
  type ActionInfo,
  actionServices,
  type ConditionKeyInfo,
  findAction,
  findConditionKey,
  isOfResourceType,
  nearestActions,
  type ResourceTypeInfo,
} from "./action-table.ts";
export type { Call } from "./call.ts";
export {
  internalFailure,
  isQueryService,
  malformedInput,
  notOffered,
  serializationException,
  unknownOperation,
} from "./common-errors.ts";
export {
  createDispatcher,
  type Dispatcher,
  type DispatcherDependencies,
  type FaultSlot,
} from "./dispatcher.ts";
export { GLOBAL_KEYS } from "./global-keys.ts";
export { type GrantConstraint, granteesOf, grantPolicy, type KeyGrant } from "./key-grant.ts";
export {
  loadModel,
  type Member,
  type OperationModel,
  type OperationRoute,
  type ServiceModel,
  type Shape,
} from "./model.ts";
export type { DecisionFilter } from "./request-filter.ts";
export { createRequestLog, type RequestLog } from "./request-log.ts";
export type { Protocol, ServiceDefinition } from "./service.ts";
export { requireType } from "./value-types.ts";
