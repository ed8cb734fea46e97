/** Public face of what every service shares: the dispatcher and the model. Services export their own tables. */

export {
  internalFailure,
  isQueryService,
  malformedInput,
  notOffered,
  serializationException,
} from "./common-errors.ts";
export { type Call, createDispatcher, type Dispatcher, type DispatcherDependencies } from "./dispatcher.ts";
export {
  loadModel,
  type Member,
  type OperationModel,
  type OperationRoute,
  type ServiceModel,
  type Shape,
} from "./model.ts";
export { createRequestLog, type DecisionFilter, type RequestLog } from "./request-log.ts";
export type { Protocol, ServiceDefinition } from "./service.ts";
export { requireType } from "./validate.ts";
