/**
 * What stands for the Lambda functions that rotate secrets: offered by services/secretsmanager, passed on by control/ and
 * the library. There is no Lambda here; an address of this machine gets the events that AWS gives the function.
 */

export interface RotationFunction {
  readonly arn: string;
  /** Gets the rotation's events with POST; a 2xx answer without an error in it is success. */
  readonly url: string;
}

/** A part of the state. */
export interface RotationFunctions {
  /** From now on the function of this ARN is at this address. Rejects with a `KilnError` for what cannot be. */
  register(rotationFunction: RotationFunction): Promise<void>;
  list(): readonly RotationFunction[];
  /** False when there was none. */
  remove(arn: string): Promise<boolean>;
}
