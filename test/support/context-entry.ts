/** A context entry of the simulator; without a type the client sends none. */
export const contextEntry = (name: string, type: string | undefined, ...values: string[]) => ({
  ContextKeyName: name,
  ContextKeyValues: values,
  ...(type && { ContextKeyType: type }),
});
