/** What is tested: settings of a shop, read from Parameter Store. */
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";

/** The URL of the database. Tests give a client of their own. */
export async function databaseUrl(ssm = new SSMClient()) {
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: "/shop/database-url", WithDecryption: true }));
  return Parameter.Value;
}

/** Today's discount in percent; the parameter expires with the offer. */
export async function discount(ssm = new SSMClient()) {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: "/shop/discount" }));
    return Number(Parameter.Value);
  } catch (error) {
    if (error instanceof ParameterNotFound) return 0;
    throw error;
  }
}
